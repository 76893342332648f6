"""A ResourceSet takes inputs from a provider that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown, missing


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up every provider that is referenced by name; a label selector may match none."""
    for result in missing.references(cluster, ("ResourceSet",), Edge.INPUTS):
        if isinstance(result, Unknown):
            yield result
        else:
            yield result.problem({"provider": result.target.named}, key=str(result.target))
