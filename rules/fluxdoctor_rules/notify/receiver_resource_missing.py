"""A Receiver names an object that does not exist: its webhook answers with an error instead of a reconciliation."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, Ref, State, Unknown, state

_SOURCES = ("GitRepository", "OCIRepository", "HelmRepository", "Bucket", "ImageRepository")


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Look up every resource that a Receiver names; one with the name * is chosen by labels."""
    for receiver in cluster.all("Receiver"):
        if state(receiver) is State.SUSPENDED or receiver.has("metadata.deletionTimestamp"):
            continue
        for reference in graph.needs(receiver.ref, Edge.RECEIVES):
            found = cluster.look(reference.target)
            if found.unknown:
                yield Unknown(receiver.ref, found.why)
            elif found.absent:
                target = reference.target
                facts: dict[str, Ref | str] = {"target": target, "near": _near(cluster, target)}
                field = f"{reference.field}.name"
                yield Problem(receiver.ref, facts, field=field, key=str(target), missing=target)


def _near(cluster: Cluster, target: Ref) -> str:
    for other in cluster.all(target.kind, *_SOURCES):
        if other.name == target.name:
            return f"; there is {other.ref}"
    near = difflib.get_close_matches(target.name, cluster.names(target.kind, target.namespace), 2, 0.6)
    return f"; the nearest names are {', '.join(near)}" if near else ""
