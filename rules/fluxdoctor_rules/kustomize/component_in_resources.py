"""A kustomization.yaml lists a component among its resources."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem

from ._misplaced import problems


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Look into the directories that the kustomization files list."""
    yield from problems(cluster, manifests, ("resources", "bases"), component=True)
