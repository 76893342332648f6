"""Helm 4 waits for releases and applies them differently from Helm 3."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Target, Versions
from fluxdoctor_rules.shared import removed_apis


def check(cluster: Cluster, versions: Versions, target: Target) -> Iterator[Problem]:
    """Report once that the defaults change, with the releases that do not set spec.waitStrategy."""
    now, since = removed_apis.flux_now(cluster, versions), removed_apis.HELM_4
    if target.flux is None or target.flux < since or now is None or now >= since:
        return
    if removed_apis.keeps_helm_3(cluster):
        return
    for release in cluster.active("HelmRelease"):
        if not release.has("spec.waitStrategy"):
            proof = Evidence.field("spec.waitStrategy is not set", str(release.ref))
            facts = {"target": removed_apis.text(target.flux)}
            yield Problem(release.ref, facts, (proof,), field="spec.waitStrategy", shared="helm 4")
