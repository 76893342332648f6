"""A ResourceSet depends on an object that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown, missing


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up the objects of spec.dependsOn, of any kind that was listed."""
    for result in missing.references(cluster, ("ResourceSet",), Edge.DEPENDS_ON):
        if isinstance(result, Unknown):
            yield result
        else:
            target = str(result.target)
            yield result.problem({"wanted": target}, field=result.reference.field, key=target)
