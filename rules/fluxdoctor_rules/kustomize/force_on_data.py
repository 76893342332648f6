"""spec.force replaces objects that hold data."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, State, inventory, state

_DATA = ("PersistentVolumeClaim", "StatefulSet", "PersistentVolume")
_SHOWN = 3


def check(cluster: Cluster) -> Iterator[Problem]:
    """Look for volumes and StatefulSets in the inventories of Kustomizations with spec.force."""
    for kustomization in cluster.all("Kustomization"):
        if not kustomization.flag("spec.force") or state(kustomization) is State.SUSPENDED:
            continue
        held = [ref for ref in inventory(kustomization) if ref.kind in _DATA]
        if held:
            more = f" and {len(held) - _SHOWN} more" if len(held) > _SHOWN else ""
            facts = {"objects": ", ".join(map(str, held[:_SHOWN])) + more, "first": str(held[0])}
            proof = Evidence("spec.force: true", str(kustomization.ref))
            yield Problem(kustomization.ref, facts, evidence=(proof,), field="spec.force")
