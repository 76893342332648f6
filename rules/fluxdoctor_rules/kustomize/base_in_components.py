"""A kustomization.yaml lists a directory under components that is not a Component."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem
from fluxdoctor_rules.kustomize._misplaced import problems


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Check the kind of the directories that the kustomization files list under components."""
    yield from problems(cluster, manifests, ("components",), component=False)
