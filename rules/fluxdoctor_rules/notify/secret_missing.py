"""A Receiver or a Provider names a Secret that does not exist."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, State, Unknown, state

_EDGES = (Edge.SECRET, Edge.CERT_SECRET, Edge.PROXY_SECRET)


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Look every Secret up; a Provider has no status that would tell."""
    for resource in cluster.all("Provider", "Receiver"):
        if state(resource) is State.SUSPENDED or resource.has("metadata.deletionTimestamp"):
            continue
        for reference in graph.needs(resource.ref, *_EDGES):
            target, found = reference.target, cluster.look(reference.target)
            if found.unknown:
                yield Unknown(resource.ref, found.why)
            elif found.absent:
                near = difflib.get_close_matches(target.name, cluster.names("Secret", target.namespace), 2, 0.6)
                hint = f"; the nearest names are {', '.join(near)}" if near else ""
                facts = {"secret_name": target.named, "near": hint, "where": reference.field}
                yield Problem(resource.ref, facts, field=f"{reference.field}.name", key=target.name, missing=target)
