"""A manifest changes an immutable field."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Failures, Manifests, Problem
from fluxdoctor_rules.kustomize import _refusal


def check(cluster: Cluster, failures: Failures, manifests: Manifests | None) -> Iterator[Problem]:
    """Report the rejected object and the error of the API server, with the line in git."""
    yield from _refusal.problems(cluster, failures, manifests, "immutable")
