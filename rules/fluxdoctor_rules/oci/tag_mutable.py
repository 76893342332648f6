"""An OCIRepository follows the artifact that was pushed last."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem

_MUTABLE = ("", "latest")


def check(cluster: Cluster) -> Iterator[Problem]:
    """Check spec.ref: a digest, a range and any tag except latest are explicit (source-controller 1.9)."""
    for repository in cluster.active("OCIRepository"):
        ref = repository.fields("spec.ref")
        is_fixed = ref.has("digest") or ref.has("semver") or ref.text("tag") not in _MUTABLE
        if not is_fixed:
            yield Problem(repository.ref, {"what": "the tag latest"}, field="spec.ref")
