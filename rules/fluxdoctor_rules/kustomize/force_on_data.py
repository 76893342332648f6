"""spec.force can delete and recreate objects that hold data."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, inventory

_DATA = ("PersistentVolumeClaim", "StatefulSet", "PersistentVolume")
_MOST = 3


def check(cluster: Cluster) -> Iterator[Problem]:
    """Report PersistentVolumeClaims, PersistentVolumes and StatefulSets in inventories of Kustomizations with spec.force."""
    for kustomization in cluster.active("Kustomization"):
        if not kustomization.flag("spec.force"):
            continue
        refs = [ref for ref in inventory(kustomization) if ref.kind in _DATA]
        if refs:
            more = f" and {len(refs) - _MOST} more" if len(refs) > _MOST else ""
            facts = {"objects": ", ".join(map(str, refs[:_MOST])) + more, "first": str(refs[0])}
            proof = Evidence.field("spec.force: true", str(kustomization.ref))
            yield Problem(kustomization.ref, facts, evidence=(proof,), field="spec.force")
