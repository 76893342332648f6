"""Finds folders and Kustomizations that no cluster reaches. They are read without a build, and give notes at most."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable

from fluxdoctor.model import flux
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.manifests import FILE_NAMES
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.model.tree import GitTrees, Tree, clean

_SOURCE = Ref("GitRepository", "", "repository")
_MAX_FOLDERS = 5_000


def cluster(tree: Tree, visited: Collection[str], unapplied: Iterable[Resource]) -> tuple[Cluster, GitTrees] | None:
    """Return the folders with a kustomization file that no build visited, and the unapplied Kustomizations; None for none.

    Each folder becomes a Kustomization without a status, so that the rules that read files check it.
    """
    charts = {posixpath.dirname(p) for p in tree.paths if posixpath.basename(p) == "Chart.yaml"}
    folders = sorted({posixpath.dirname(p) for p in tree.paths if posixpath.basename(p) in FILE_NAMES} - set(visited))
    folders = [f for f in folders if not any(f == c or f.startswith(f"{c}/") for c in charts)]
    resources = [_from_folder(f) for f in folders[:_MAX_FOLDERS]]
    resources += [
        _from_kustomization(k)
        for k in unapplied
        if clean(k.text("spec.path")).partition("/")[0] in tree.directories and k.has("spec.sourceRef")
    ]
    return (Cluster(resources), GitTrees({_SOURCE: tree})) if resources else None


def _from_folder(folder: str) -> Resource:
    body = {"spec": {"path": folder, "sourceRef": {"kind": _SOURCE.kind, "name": _SOURCE.name}}}
    return Resource(body=body, ref=Ref("Kustomization", "", folder or "."), file=folder)


def _from_kustomization(kustomization: Resource) -> Resource:
    spec = {**kustomization.body["spec"], "sourceRef": {"kind": _SOURCE.kind, "name": _SOURCE.name}}
    body = {"apiVersion": f"{flux.KUSTOMIZE}/v1", "spec": {k: v for k, v in spec.items() if k in ("path", "sourceRef")}}
    ref = Ref("Kustomization", "", f"{kustomization.namespace or 'default'}/{kustomization.name}")
    return Resource(body=body, ref=ref, file=kustomization.file, marks=kustomization.marks)
