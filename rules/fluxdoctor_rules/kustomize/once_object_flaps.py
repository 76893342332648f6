"""An object that should be applied once is deleted and recreated in turn."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Graph, Problem, Versions
from fluxdoctor_rules.kustomize._versions import patch

_KEY = "kustomize.toolkit.fluxcd.io/"
_FIRST, _FIXED = (1, 8, 0), (1, 8, 5)


def check(cluster: Cluster, graph: Graph, versions: Versions) -> Iterator[Problem]:
    """Report IfNotPresent objects; kustomize-controller 1.8.0 to 1.8.4 removes them from the inventory (issue 1647)."""
    version = patch(versions)
    if version is None or not _FIRST <= version < _FIXED:
        return
    for resource in cluster:
        policy = resource.annotation(f"{_KEY}ssa") or resource.label(f"{_KEY}ssa")
        prune = (resource.annotation(f"{_KEY}prune").lower(), resource.label(f"{_KEY}prune").lower())
        if policy.lower() != "ifnotpresent" or "disabled" in prune:
            continue
        owner = graph.parent(resource)
        kustomization = cluster.get(owner) if owner and owner.kind == "Kustomization" else None
        if kustomization and kustomization.flag("spec.prune"):
            facts = {"owner": str(kustomization.ref), "version": ".".join(map(str, version))}
            proof = Evidence.field(f"{_KEY}ssa: {policy}", str(resource.ref))
            yield Problem(resource.ref, facts, evidence=(proof,), field="metadata.annotations")
