"""Post-renderers will also change the hooks of a chart."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Target, Versions
from fluxdoctor_rules.upgrade import _table


def check(cluster: Cluster, versions: Versions, target: Target) -> Iterator[Problem]:
    """Find the releases with post-renderers but no spec.postRenderStrategy."""
    now, since = _table.flux_now(cluster, versions), _table.COMBINED_POST_RENDERING
    if target.flux is None or target.flux < since or (now is not None and now >= since):
        return
    if _table.keeps_helm_3(cluster):
        return
    for release in cluster.all("HelmRelease"):
        if release.rows("spec.postRenderers") and not release.has("spec.postRenderStrategy"):
            proof = Evidence("spec.postRenderers without spec.postRenderStrategy", str(release.ref))
            facts = {"target": _table.text(target.flux)}
            yield Problem(
                release.ref, facts, (proof,), field="spec.postRenderers", shared=f"post-renderers {facts['target']}"
            )
