"""A tag filter that Go cannot compile."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem
from fluxdoctor_rules.image import _tags


def check(cluster: Cluster) -> Iterator[Problem]:
    """Find syntax that Go does not support, and errors that are invalid in any dialect."""
    for policy in cluster.active("ImagePolicy"):
        pattern = policy.text("spec.filterTags.pattern")
        why = "" if "${" in pattern else _tags.flaw(pattern)
        if why:
            facts = {"pattern": pattern, "why": why}
            yield Problem(
                policy.ref,
                facts,
                (Evidence.field(f"pattern: {pattern}", str(policy.ref)),),
                field="spec.filterTags.pattern",
            )
