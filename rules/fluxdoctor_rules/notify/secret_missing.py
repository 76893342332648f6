"""A Receiver or a Provider names a Secret that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, State, Unknown, did_you_mean, state

_EDGES = (Edge.SECRET, Edge.CERT_SECRET, Edge.PROXY_SECRET)


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Look up every Secret; a Provider has no status."""
    for resource in cluster.all("Provider", "Receiver"):
        if state(resource) is State.SUSPENDED or resource.has("metadata.deletionTimestamp"):
            continue
        for reference in graph.needs(resource.ref, *_EDGES):
            target, lookup = reference.target, cluster.look(reference.target)
            if lookup.unknown:
                yield Unknown(resource.ref, lookup.why)
            elif lookup.absent:
                hint = did_you_mean(target.name, cluster.names("Secret", target.namespace))
                facts = {"secret_name": target.named, "near": hint, "where": reference.field}
                yield Problem(resource.ref, facts, field=f"{reference.field}.name", key=target.name, missing=target)
