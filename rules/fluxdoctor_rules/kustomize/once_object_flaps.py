"""An object that is to be made once is deleted and made again by turns."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Graph, Problem, Versions

from ._versions import patch

_KEY = "kustomize.toolkit.fluxcd.io/"
_FIRST, _MENDED = (1, 8, 0), (1, 8, 5)


def check(cluster: Cluster, graph: Graph, versions: Versions) -> Iterator[Problem]:
    """kustomize-controller 1.8.0 to 1.8.4 left such an object out of the inventory, and so pruned it (issue 1647)."""
    version = patch(versions)
    if version is None or not _FIRST <= version < _MENDED:
        return
    for resource in cluster:
        held = resource.annotation(f"{_KEY}ssa") or resource.label(f"{_KEY}ssa")
        kept = "disabled" in (resource.annotation(f"{_KEY}prune").lower(), resource.label(f"{_KEY}prune").lower())
        if held.lower() != "ifnotpresent" or kept:
            continue
        owner = graph.parent(resource)
        maker = cluster.get(owner) if owner and owner.kind == "Kustomization" else None
        if maker and maker.flag("spec.prune"):
            facts = {"owner": str(maker.ref), "version": ".".join(map(str, version))}
            proof = Evidence(f"{_KEY}ssa: {held}", str(resource.ref))
            yield Problem(resource.ref, facts, evidence=(proof,), field="metadata.annotations")
