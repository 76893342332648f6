"""The namespace of Flux is in the inventory of a Kustomization that does not install Flux."""

from collections.abc import Iterator, Sequence

from fluxdoctor import Cluster, Evidence, Problem, Ref, inventory


def check(cluster: Cluster) -> Iterator[Problem]:
    """Report Kustomizations that can prune the namespace of the controllers and do not apply the controllers."""
    spaces = {d.namespace: d.ref for d in cluster.controllers("kustomize-controller")}
    for kustomization in cluster.all("Kustomization"):
        if not kustomization.flag("spec.prune") or kustomization.has("spec.kubeConfig"):
            continue
        refs = inventory(kustomization)
        for space, deployment in sorted(spaces.items()):
            if Ref("Namespace", "", space) in refs and deployment not in refs and not _installs(refs):
                proof = Evidence.field(f"Namespace/{space} in status.inventory", str(kustomization.ref))
                yield Problem(kustomization.ref, {"space": space}, (proof,), field="spec.prune", key=space)


def _installs(refs: Sequence[Ref]) -> bool:
    return any(ref.kind == "FluxInstance" for ref in refs)
