"""A manifest changes a field that cannot be changed."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Failures, Manifests, Problem
from fluxdoctor_rules.kustomize import _refusal


def check(cluster: Cluster, failures: Failures, manifests: Manifests | None) -> Iterator[Problem]:
    """Read which object was refused and why, and find its line in git."""
    yield from _refusal.problems(cluster, failures, manifests, "immutable")
