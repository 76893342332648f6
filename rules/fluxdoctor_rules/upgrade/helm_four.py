"""Helm 4 waits for releases and applies them differently from Helm 3."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Target, Versions
from fluxdoctor_rules.upgrade import _table


def check(cluster: Cluster, versions: Versions, target: Target) -> Iterator[Problem]:
    """Report once that the defaults change, with the releases that do not set spec.waitStrategy."""
    now, since = _table.flux_now(cluster, versions), _table.HELM_4
    if target.flux is None or target.flux < since or now is None or now >= since:
        return
    if _table.keeps_helm_3(cluster):
        return
    for release in cluster.all("HelmRelease"):
        if not release.has("spec.waitStrategy") and not release.flag("spec.suspend"):
            proof = Evidence("spec.waitStrategy is not set", str(release.ref))
            facts = {"target": _table.text(target.flux)}
            yield Problem(release.ref, facts, (proof,), field="spec.waitStrategy", shared="helm 4")
