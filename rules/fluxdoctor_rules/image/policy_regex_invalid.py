"""A tag filter that Go cannot compile."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Unknown, go_regex


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Compile the pattern as Go does, and say what Go refuses."""
    for policy in cluster.active("ImagePolicy"):
        pattern = policy.text("spec.filterTags.pattern")
        if "${" in pattern:
            continue
        if limit := go_regex.limit(pattern):
            yield Unknown(policy.ref, f"spec.filterTags is not evaluated: {limit}")
        if why := go_regex.flaw(pattern):
            facts = {"pattern": pattern, "why": why}
            yield Problem(
                policy.ref,
                facts,
                (Evidence.field(f"pattern: {pattern}", str(policy.ref)),),
                field="spec.filterTags.pattern",
            )
