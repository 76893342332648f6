"""An OCIRepository that follows whatever was pushed last."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem

_MOVING = ("", "latest")


def check(cluster: Cluster) -> Iterator[Problem]:
    """Read spec.ref: a digest, a range and any tag but latest say what they mean (source-controller 1.9)."""
    for repository in cluster.all("OCIRepository"):
        ref = repository.fields("spec.ref")
        fixed = ref.has("digest") or ref.has("semver") or ref.text("tag") not in _MOVING
        if not fixed and not repository.flag("spec.suspend"):
            yield Problem(repository.ref, {"what": "the tag latest"}, field="spec.ref")
