"""A CRD still stores objects in a version that the target removes: the API server will reject its update."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Target
from fluxdoctor_rules.shared import removed_apis


def check(cluster: Cluster, target: Target) -> Iterator[Problem]:
    """Check status.storedVersions of the CRDs of Flux."""
    if target.flux is None:
        return
    for crd in cluster.all("CustomResourceDefinition"):
        group = crd.text("spec.group") or crd.name.partition(".")[2]
        for version in crd.strings("status.storedVersions"):
            row = removed_apis.removed(removed_apis.FLUX, f"{group}/{version}", "", target.flux)
            if row:
                stored = ", ".join(crd.strings("status.storedVersions"))
                facts = {"version": version, "target": removed_apis.text(target.flux), "stored": stored}
                proof = Evidence.field(f"status.storedVersions: {stored}", str(crd.ref))
                yield Problem(
                    crd.ref, facts, (proof,), key=version, shared=f"stored for {removed_apis.text(target.flux)}"
                )
