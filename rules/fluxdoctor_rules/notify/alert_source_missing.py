"""An Alert watches an object that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown, missing


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up the objects in spec.eventSources; an entry with the name * selects any object."""
    for result in missing.references(cluster, ("Alert",), Edge.EVENT_SOURCE, unknown=missing.always):
        yield result if isinstance(result, Unknown) else result.problem(key=str(result.target))
