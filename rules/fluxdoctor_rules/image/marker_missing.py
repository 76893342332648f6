"""An automation updates nothing: no marker below its path names one of its policies."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, GitTrees, Graph, Problem, Ref
from fluxdoctor_rules.image import _markers
from fluxdoctor_rules.image._markers import Marker, Work


def check(cluster: Cluster, graph: Graph, git: GitTrees) -> Iterator[Problem]:
    """Compare the markers of the branch with the policies that the automation applies."""
    for work in _markers.works(cluster, graph, git):
        if not cluster.saw_all("ImagePolicy", work.automation.namespace) or work.automation.has(
            "spec.policySelector.matchExpressions"
        ):
            continue
        # A missing path is reported by image/update-path-missing, and by the controller.
        if work.path and not work.tree.is_directory(work.path):
            continue
        own = _markers.selected(work.automation, cluster)
        if any(m.policy in own for m in work.inside):
            continue
        why, proof = _why(work, own)
        facts = {"path": work.path or "the repository root", "why": why}
        yield Problem(work.automation.ref, facts, evidence=proof, field="spec.update.path")


def _why(work: Work, own: tuple[Ref, ...]) -> tuple[str, tuple[Evidence, ...]]:
    namespace, inside = work.automation.namespace, work.inside
    outside = tuple(m for m in work.markers if m.policy in own)
    if outside:
        return f"the markers for its policies are outside this path, in {outside[0].location.file}", (
            _proof(outside[0]),
        )
    if inside:
        names = ", ".join(dict.fromkeys(f"{m.policy.namespace}:{m.policy.name}" for m in inside))
        reason = (
            f"it applies only policies in namespace {namespace}"
            if own
            else f"it selects no policy in namespace {namespace}"
        )
        return f"the markers there name {names}, but {reason}", (_proof(inside[0]),)
    return f"no file has an $imagepolicy marker for namespace {namespace}", ()


def _proof(marker: Marker) -> Evidence:
    return Evidence.file(f"marker for {marker.policy}", str(marker.location))
