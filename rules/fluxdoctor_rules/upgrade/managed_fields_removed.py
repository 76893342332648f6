"""managedFields of live objects use a version that the target removes: server-side apply of them will fail."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Target
from fluxdoctor_rules.shared import removed_apis


def check(cluster: Cluster, target: Target) -> Iterator[Problem]:
    """Check the versions in managedFields of all Flux objects."""
    if target.flux is None:
        return
    for resource in cluster.flux:
        versions = (row.text("apiVersion") for row in resource.rows("metadata.managedFields"))
        for version in sorted(set(versions)):
            if removed_apis.removed(removed_apis.FLUX, version, resource.kind, target.flux):
                facts = {"version": version, "target": removed_apis.text(target.flux)}
                proof = Evidence.field(f"managedFields has apiVersion {version}", str(resource.ref))
                yield Problem(resource.ref, facts, (proof,), key=version, shared=version)
