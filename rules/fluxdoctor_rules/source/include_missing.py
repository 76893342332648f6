"""A GitRepository that includes a GitRepository that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown, missing


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up each include in the namespace of the GitRepository: other namespaces are not supported."""
    for result in missing.references(cluster, ("GitRepository",), Edge.INCLUDE):
        if isinstance(result, Unknown):
            yield result
        else:
            where = result.reference.field
            yield result.problem({"name": result.target.name}, field=f"{where}.repository.name", key=where)
