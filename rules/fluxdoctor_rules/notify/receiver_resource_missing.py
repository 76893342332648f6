"""A Receiver names an object that does not exist: its webhook returns an error and triggers nothing."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, Ref, State, Unknown, state
from fluxdoctor_rules.shared import hints

_SOURCES = ("GitRepository", "OCIRepository", "HelmRepository", "Bucket", "ImageRepository")


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Look up every object that a Receiver names; an entry with the name * selects objects by labels."""
    for receiver in cluster.all("Receiver"):
        if state(receiver) is State.SUSPENDED or receiver.has("metadata.deletionTimestamp"):
            continue
        for reference in graph.needs(receiver.ref, Edge.RECEIVES):
            lookup = cluster.look(reference.target)
            if lookup.unknown:
                yield Unknown(receiver.ref, lookup.why)
            elif lookup.absent:
                target = reference.target
                facts: dict[str, Ref | str] = {
                    "target": target,
                    "near": hints.alternatives(cluster, target, *_SOURCES),
                }
                field = f"{reference.field}.name"
                yield Problem(receiver.ref, facts, field=field, key=str(target), missing=target)
