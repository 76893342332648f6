"""A Kustomization without a team."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem


def check(cluster: Cluster) -> Iterator[Problem]:
    """Every Kustomization of ours names its team."""
    for kustomization in cluster.active("Kustomization"):
        if not kustomization.label("team"):
            yield Problem(kustomization.ref, {"label": "team"}, field="metadata.labels")
