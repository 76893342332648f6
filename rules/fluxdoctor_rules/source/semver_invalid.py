"""A range of versions in spec.ref.semver that cannot be read, or that no version can be in."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, State, semver, state


def check(cluster: Cluster) -> Iterator[Problem]:
    """Read the range as the controllers do; one that they have found a version by is none of this rule's business."""
    for source in cluster.all("GitRepository", "OCIRepository"):
        text = source.text("spec.ref.semver")
        if not text or "${" in text or state(source) in (State.READY, State.SUSPENDED):
            continue
        # A tag or digest beside it wins: the range is not looked at.
        if source.kind == "OCIRepository" and source.has("spec.ref.digest"):
            continue
        if source.kind == "GitRepository" and (source.has("spec.ref.commit") or source.has("spec.ref.name")):
            continue
        try:
            if semver.is_empty(text):
                yield Problem(source.ref, {"range": text, "flaw": "is a range that no version can be in"})
        except semver.InvalidConstraint:
            yield Problem(source.ref, {"range": text, "flaw": "is not a version range"})
