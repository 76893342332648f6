"""A Receiver or a Provider names a Secret that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Resource, Unknown, missing

_EDGES = (Edge.SECRET, Edge.CERT_SECRET, Edge.PROXY_SECRET)


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up every Secret."""
    for result in missing.references(cluster, ("Provider", "Receiver"), *_EDGES, unknown=_is_unclear):
        if isinstance(result, Unknown):
            yield result
        else:
            facts = {"secret_name": result.target.named, "where": result.reference.field}
            yield result.problem(facts, key=result.target.name)


def _is_unclear(resource: Resource) -> bool:
    """Tell whether the status does not say that the Secret exists; a Provider has no status."""
    return resource.kind == "Provider" or missing.when_failed(resource)
