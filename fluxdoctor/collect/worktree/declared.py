"""Built documents as Resources: the variables replaced, and each with the place in git where a person would change it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from fluxdoctor.collect import objects
from fluxdoctor.collect.worktree import built
from fluxdoctor.collect.worktree.built import Built
from fluxdoctor.collect.worktree.substitute import Variables
from fluxdoctor.model.facts import Tree, clean
from fluxdoctor.model.resource import Fields, Marks, Ref, Resource

_KEY = "kustomize.toolkit.fluxcd.io/"


def read(document: Built, variables: Variables, owner: Resource, tree: Tree) -> Iterator[Resource]:
    """Yield the objects of one built document; one that is not YAML any more after the variables yields nothing."""
    for whole in document.read(variables):
        if objects.ref_of(whole) is None:
            continue
        body, come_from = built.origin(whole)
        _label(body, owner)
        file = _file(owner, come_from)
        made = objects.manifest(body, file, {})
        written = _written(tree, file, made, Fields(body).text("metadata.name")) if file else None
        marks: Marks = written.marks if written else {}
        yield Resource(body=made.body, ref=made.ref, file=file, marks=marks)


def _label(body: dict[str, Any], owner: Resource) -> None:
    """Set the labels that kustomize-controller sets on what it applies; a folder that something elsewhere applies sets none."""
    if "/" in owner.name or owner.name == ".":
        return
    metadata = body["metadata"]
    labels = metadata.get("labels")
    labels = dict(labels) if isinstance(labels, dict) else {}
    own = {f"{_KEY}name": owner.name, f"{_KEY}namespace": owner.namespace}
    body["metadata"] = {**metadata, "labels": labels | own}


def _file(owner: Resource, origin: Fields) -> str:
    path = origin.text("path") or origin.text("configuredIn")
    if not path or origin.text("repo"):
        return ""
    # A path is told from the directory that is built.
    return posixpath.normpath(posixpath.join(clean(owner.text("spec.path")), path)).removeprefix("../")


def _written(tree: Tree, file: str, made: Resource, name: str) -> Resource | None:
    """Return the document of a file that an object was made of: by kind and name, which a prefix may have changed."""
    if not tree.is_file(file):
        return None
    kind = made.text("kind")
    same = [d for d in _flat(tree, file) if d.text("kind") == kind]
    exact = [d for d in same if d.name == name]
    if not exact:
        exact = [d for d in same if d.name and (d.name in name or re.sub(r"\$\{[^}]*\}", "", d.name) in name)]
    if len(exact) > 1:
        exact = [d for d in exact if d.namespace == made.namespace] or exact
    only = same[0] if len(same) == 1 and tree.parsed(file).flaw is None else None
    return exact[0] if exact else only


def _flat(tree: Tree, file: str) -> Iterator[Resource]:
    from fluxdoctor.model.manifests import unlist

    for document in tree.parsed(file).documents:
        yield from unlist(document)


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
        known |= {k: v.replace("\n", "") for k, v in found.items("data")}
    known |= {k: v.replace("\n", "") for k, v in inline.items()}
    unsure = unsure or any("${" in v for v in known.values())
    return Variables(known, unsure, bool(rows or inline or kustomization.has("spec.postBuild.substitute")))
