"""A tag filter that Go cannot compile."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, State, state
from fluxdoctor_rules.image._tags import NOT_IN_GO


def check(cluster: Cluster) -> Iterator[Problem]:
    """Find what Go's regular expressions do not have in the pattern: no controller can take it."""
    for policy in cluster.all("ImagePolicy"):
        pattern = policy.text("spec.filterTags.pattern")
        found = NOT_IN_GO.search(pattern)
        if found and state(policy) is not State.SUSPENDED:
            facts = {"pattern": pattern, "why": f"Go has no {found[0]}"}
            yield Problem(
                policy.ref, facts, (Evidence(f"pattern: {pattern}", str(policy.ref)),), field="spec.filterTags.pattern"
            )
