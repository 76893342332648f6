"""Post-renderers will also change the hooks of a chart."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Target, Versions
from fluxdoctor_rules.shared import removed_apis


def check(cluster: Cluster, versions: Versions, target: Target) -> Iterator[Problem]:
    """Find the releases with post-renderers but no spec.postRenderStrategy."""
    now, since = removed_apis.flux_now(cluster, versions), removed_apis.COMBINED_POST_RENDERING
    if target.flux is None or target.flux < since or (now is not None and now >= since):
        return
    if removed_apis.keeps_helm_3(cluster):
        return
    for release in cluster.all("HelmRelease"):
        if release.rows("spec.postRenderers") and not release.has("spec.postRenderStrategy"):
            proof = Evidence.field("spec.postRenderers without spec.postRenderStrategy", str(release.ref))
            facts = {"target": removed_apis.text(target.flux)}
            yield Problem(
                release.ref, facts, (proof,), field="spec.postRenderers", shared=f"post-renderers {facts['target']}"
            )
