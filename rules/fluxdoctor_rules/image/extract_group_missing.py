"""A tag filter extracts a group that its pattern does not have."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem
from fluxdoctor_rules.image import _tags


def check(cluster: Cluster) -> Iterator[Problem]:
    """Compare the groups in spec.filterTags.extract with those of the pattern, as Go parses both."""
    for policy in cluster.active("ImagePolicy"):
        pattern, extract = policy.text("spec.filterTags.pattern"), policy.text("spec.filterTags.extract")
        # The value of a postBuild variable is not known.
        if not pattern or "${" in pattern:
            continue
        missing, names = _tags.unknown_groups(pattern, extract)
        if missing:
            groups = ", ".join(names) or "none"
            yield Problem(policy.ref, {"extract": extract, "missing": ", ".join(missing), "groups": groups})
