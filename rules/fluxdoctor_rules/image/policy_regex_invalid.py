"""A tag filter that Go cannot compile."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, State, state
from fluxdoctor_rules.image import _tags


def check(cluster: Cluster) -> Iterator[Problem]:
    """Find syntax that Go does not support, and errors that are invalid in any dialect."""
    for policy in cluster.all("ImagePolicy"):
        pattern = policy.text("spec.filterTags.pattern")
        why = "" if "${" in pattern else _tags.flaw(pattern)
        if why and state(policy) is not State.SUSPENDED:
            facts = {"pattern": pattern, "why": why}
            yield Problem(
                policy.ref, facts, (Evidence(f"pattern: {pattern}", str(policy.ref)),), field="spec.filterTags.pattern"
            )
