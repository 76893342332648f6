"""A filter that takes a group out of the tags which its pattern does not have."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, State, state
from fluxdoctor_rules.image import _tags


def check(cluster: Cluster) -> Iterator[Problem]:
    """Compare the groups that spec.filterTags.extract names with those of the pattern, as Go reads both."""
    for policy in cluster.all("ImagePolicy"):
        pattern, extract = policy.text("spec.filterTags.pattern"), policy.text("spec.filterTags.extract")
        # What a variable will be is not known.
        if not pattern or "${" in pattern or state(policy) is State.SUSPENDED:
            continue
        missing, has = _tags.unknown_groups(pattern, extract)
        if missing:
            groups = ", ".join(has) or "none"
            yield Problem(policy.ref, {"extract": extract, "missing": ", ".join(missing), "groups": groups})
