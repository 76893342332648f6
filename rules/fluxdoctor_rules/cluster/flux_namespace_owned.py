"""Flux's own namespace is in the inventory of a Kustomization that is not the one which installs Flux."""

from collections.abc import Iterator, Sequence

from fluxdoctor import Cluster, Evidence, Problem, Ref, inventory


def check(cluster: Cluster) -> Iterator[Problem]:
    """Find who would prune the namespace of the controllers without having applied the controllers."""
    spaces = {d.namespace: d.ref for d in cluster.controllers("kustomize-controller")}
    for kustomization in cluster.all("Kustomization"):
        if not kustomization.flag("spec.prune") or kustomization.has("spec.kubeConfig"):
            continue
        held = inventory(kustomization)
        for space, deployment in sorted(spaces.items()):
            if Ref("Namespace", "", space) in held and deployment not in held and not _installs(held):
                proof = Evidence(f"Namespace/{space} in status.inventory", str(kustomization.ref))
                yield Problem(kustomization.ref, {"space": space}, (proof,), field="spec.prune", key=space)


def _installs(held: Sequence[Ref]) -> bool:
    return any(ref.kind == "FluxInstance" for ref in held)
