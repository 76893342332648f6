"""Built documents as Resources: the variables replaced, and each with the place in git where a person would change it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fluxdoctor.model import flux
from fluxdoctor.model.resource import Marks, Ref, Resource
from fluxdoctor.model.tree import Tree
from fluxdoctor.repository.build.document import BuiltDocument
from fluxdoctor.repository.build.origins import LateMarks, Origin
from fluxdoctor.repository.build.substitute import Variables

_KEY = f"{flux.KUSTOMIZE}/"


def read(
    document: BuiltDocument, origin: Origin | None, variables: Variables, owner: Resource, tree: Tree
) -> Iterator[Resource]:
    """Yield the objects of one built document; one that is not YAML any more after the variables yields nothing."""
    for ref, body in document.objects(variables):
        marks: Marks = LateMarks(tree, origin) if origin else {}
        yield Resource(body=_labelled(body, owner), ref=ref, file=origin.file if origin else "", marks=marks)


def _labelled(body: dict[str, Any], owner: Resource) -> dict[str, Any]:
    """Set the labels that kustomize-controller sets on what it applies; a folder that something elsewhere applies sets none."""
    if "/" in owner.name or owner.name == ".":
        return body
    metadata = body["metadata"]
    labels = metadata.get("labels")
    labels = dict(labels) if isinstance(labels, dict) else {}
    own = {f"{_KEY}name": owner.name, f"{_KEY}namespace": owner.namespace}
    return {**body, "metadata": {**metadata, "labels": labels | own}}


def variable_maps(kustomization: Resource) -> list[Ref]:
    """Return the ConfigMaps that a Kustomization reads variables of."""
    rows = kustomization.rows("spec.postBuild.substituteFrom")
    return [Ref("ConfigMap", kustomization.namespace, r.text("name")) for r in rows if r.text("kind") == "ConfigMap"]


def variables(kustomization: Resource, config: dict[Ref, Resource]) -> Variables:
    """Return what a Kustomization replaces: of substituteFrom, the ConfigMaps that the repository declares itself."""
    known: dict[str, str] = {}
    rows = kustomization.rows("spec.postBuild.substituteFrom")
    inline = dict(kustomization.items("spec.postBuild.substitute"))
    unsure = False
    for row in rows:
        found = config.get(Ref(row.text("kind"), kustomization.namespace, row.text("name")))
        if row.text("kind") != "ConfigMap" or found is None:
            unsure = True
            continue
        # What is there already is kept: someone may have added variables to it.
        unsure = unsure or found.annotation(f"{_KEY}ssa").lower() in ("merge", "ifnotpresent", "ignore")
        known |= {k: v.replace("\n", "") for k, v in found.items("data")}
    known |= {k: v.replace("\n", "") for k, v in inline.items()}
    unsure = unsure or any("${" in v for v in known.values())
    always = kustomization.text("spec.postBuild.substituteStrategy") == "Always"
    return Variables(known, unsure, bool(known) or unsure or always)
