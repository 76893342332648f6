"""Objects of a release differ from what Helm rendered, and drift detection only warns."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, condition


def check(cluster: Cluster) -> Iterator[Problem]:
    """Read the Drifted condition (helm-controller 1.6); mode enabled corrects drift, so only mode warn is reported."""
    for release in cluster.active("HelmRelease"):
        drifted = condition(release, "Drifted")
        if drifted and drifted.status == "True" and release.text("spec.driftDetection.mode") == "warn":
            changes = [line.strip() for line in drifted.message.splitlines()[1:] if line.strip()]
            yield Problem(release.ref, {"changes": "; ".join(changes[:5]) or "see the Drifted condition"})
