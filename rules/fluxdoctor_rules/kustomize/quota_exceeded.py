"""A ResourceQuota or a LimitRange of the namespace rejects an object."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Failures, Manifests, Problem
from fluxdoctor_rules.kustomize import _refusal


def check(cluster: Cluster, failures: Failures, manifests: Manifests | None) -> Iterator[Problem]:
    """Find the rejected object, the reason, and its line in git."""
    yield from _refusal.problems(cluster, failures, manifests, "quota")
