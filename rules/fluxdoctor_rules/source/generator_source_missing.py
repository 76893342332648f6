"""An ArtifactGenerator that uses a source that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown, missing


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up every source of every generator."""
    for result in missing.references(cluster, ("ArtifactGenerator",), Edge.SOURCE):
        if isinstance(result, Unknown):
            yield result
        else:
            target = str(result.target)
            yield result.problem({"wanted": target}, field=result.reference.field, key=target)
