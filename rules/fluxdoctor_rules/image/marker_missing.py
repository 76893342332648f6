"""An automation that can change nothing: no comment below its path names one of its policies."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, GitTrees, Graph, Problem, Ref
from fluxdoctor_rules.image import _markers
from fluxdoctor_rules.image._markers import Work


def check(cluster: Cluster, graph: Graph, trees: GitTrees) -> Iterator[Problem]:
    """Compare the markers of the branch with the policies that the automation applies."""
    for work in _markers.works(cluster, graph, trees):
        if not cluster.saw_all("ImagePolicy", work.automation.namespace) or work.automation.has(
            "spec.policySelector.matchExpressions"
        ):
            continue
        # A path that is not there is another rule's, and fails loudly.
        if work.path and not work.tree.is_directory(work.path):
            continue
        own = _markers.selected(work.automation, cluster)
        if any(m.policy in own for m in work.inside):
            continue
        why, proof = _why(work, own)
        facts = {"path": work.path or "the repository", "why": why}
        yield Problem(work.automation.ref, facts, evidence=proof, field="spec.update.path")


def _why(work: Work, own: tuple[Ref, ...]) -> tuple[str, tuple[Evidence, ...]]:
    namespace, inside = work.automation.namespace, work.inside
    outside = tuple(m for m in work.markers if m.policy in own)
    if outside:
        seen = Evidence(f"a marker for {outside[0].policy.named}", str(outside[0].location))
        return f"those for its policies stand outside of that path, in {outside[0].location.file}", (seen,)
    if inside:
        seen = Evidence(f"a marker for {inside[0].policy.named}", str(inside[0].location))
        named = ", ".join(dict.fromkeys(f"{m.policy.namespace}:{m.policy.name}" for m in inside))
        mine = "it has no policy" if not own else "it applies only its own policies"
        return f"those that are there name {named}, and in namespace {namespace} {mine}", (seen,)
    return f"none of its files has a comment with $imagepolicy for namespace {namespace}", ()
