"""Turns built documents into Resources: variables replaced, with the position in git where a user changes the object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fluxdoctor.model import flux
from fluxdoctor.model.resource import Marks, Ref, Resource
from fluxdoctor.model.tree import Tree
from fluxdoctor.repository.build.document import BuiltDocument
from fluxdoctor.repository.build.origins import LazyMarks, Origin
from fluxdoctor.repository.build.substitute import Variables

_KEY = f"{flux.KUSTOMIZE}/"


def read(
    document: BuiltDocument, origin: Origin | None, variables: Variables, owner: Resource, tree: Tree
) -> Iterator[Resource]:
    """Yield the objects of a built document as its Kustomization ``owner`` applies them; none if substitution breaks the YAML."""
    for ref, body in document.objects(variables):
        marks: Marks = LazyMarks(tree, origin) if origin else {}
        yield Resource(body=_with_labels(body, owner), ref=ref, file=origin.file if origin else "", marks=marks)


def _with_labels(body: dict[str, Any], owner: Resource) -> dict[str, Any]:
    """Set the labels that kustomize-controller sets. An implied Kustomization, which is called like its folder, sets none."""
    if "/" in owner.name or owner.name == ".":
        return body
    metadata = body["metadata"]
    labels = metadata.get("labels")
    labels = dict(labels) if isinstance(labels, dict) else {}
    owner_labels = {f"{_KEY}name": owner.name, f"{_KEY}namespace": owner.namespace}
    return {**body, "metadata": {**metadata, "labels": labels | owner_labels}}


def variable_maps(kustomization: Resource) -> list[Ref]:
    """Return the ConfigMaps that a Kustomization reads variables from."""
    rows = kustomization.rows("spec.postBuild.substituteFrom")
    return [Ref("ConfigMap", kustomization.namespace, r.text("name")) for r in rows if r.text("kind") == "ConfigMap"]


def variables(kustomization: Resource, config_maps: dict[Ref, Resource]) -> Variables:
    """Return the variables of a Kustomization. Of substituteFrom it reads the ConfigMaps that the repository declares."""
    values: dict[str, str] = {}
    rows = kustomization.rows("spec.postBuild.substituteFrom")
    inline = dict(kustomization.items("spec.postBuild.substitute"))
    is_open = False
    for row in rows:
        config_map = config_maps.get(Ref(row.text("kind"), kustomization.namespace, row.text("name")))
        if row.text("kind") != "ConfigMap" or config_map is None:
            is_open = True
            continue
        # The controller does not overwrite such a ConfigMap in the cluster: a user may have added variables to it.
        is_open = is_open or config_map.annotation(f"{_KEY}ssa").lower() in ("merge", "ifnotpresent", "ignore")
        values |= {k: v.replace("\n", "") for k, v in config_map.items("data")}
    values |= {k: v.replace("\n", "") for k, v in inline.items()}
    is_open = is_open or any("${" in v for v in values.values())
    is_always = kustomization.text("spec.postBuild.substituteStrategy") == "Always"
    return Variables(values, is_open, bool(values) or is_open or is_always)
