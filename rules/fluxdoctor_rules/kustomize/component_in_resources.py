"""A kustomization.yaml lists a Component under resources."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Manifests, Problem
from fluxdoctor_rules.kustomize._misplaced import problems


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Check the kind of the directories that the kustomization files list under resources."""
    yield from problems(cluster, manifests, ("resources", "bases"), component=True)
