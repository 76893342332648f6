"""A version range in spec.ref.semver that is invalid, or that no version can satisfy."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, State, semver, state


def check(cluster: Cluster) -> Iterator[Problem]:
    """Parse the range as the controllers do. A Ready source is skipped: its controller found a version in the range."""
    for source in cluster.active("GitRepository", "OCIRepository"):
        text = source.text("spec.ref.semver")
        if not text or "${" in text or state(source) is State.READY:
            continue
        # A digest, a commit or a ref name takes precedence: the controller ignores the range.
        if source.kind == "OCIRepository" and source.has("spec.ref.digest"):
            continue
        if source.kind == "GitRepository" and (source.has("spec.ref.commit") or source.has("spec.ref.name")):
            continue
        try:
            if semver.is_empty(text):
                yield Problem(source.ref, {"range": text, "flaw": "is a range that no version can satisfy"})
        except semver.InvalidConstraint:
            yield Problem(source.ref, {"range": text, "flaw": "is not a valid version range"})
