"""The GitRepository of an automation does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown, missing


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up the GitRepository of every automation."""
    for result in missing.references(cluster, ("ImageUpdateAutomation",), Edge.SOURCE):
        yield result if isinstance(result, Unknown) else result.problem({"wanted": str(result.target)})
