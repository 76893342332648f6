"""An Alert names a Provider that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown, missing


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up the Provider in the namespace of the Alert: an Alert has no status."""
    for result in missing.references(cluster, ("Alert",), Edge.PROVIDER, unknown=missing.always):
        yield result if isinstance(result, Unknown) else result.problem()
