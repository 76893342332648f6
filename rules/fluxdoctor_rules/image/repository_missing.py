"""A policy names an ImageRepository that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown, missing


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up the ImageRepository of every policy."""
    for result in missing.references(cluster, ("ImagePolicy",), Edge.IMAGE_REPOSITORY):
        yield result if isinstance(result, Unknown) else result.problem({"repository": str(result.target)})
