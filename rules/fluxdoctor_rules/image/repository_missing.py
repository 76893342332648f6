"""A policy names an ImageRepository that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, State, Unknown, state
from fluxdoctor_rules.shared import hints


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Look up the ImageRepository of every policy."""
    for policy in cluster.all("ImagePolicy"):
        if state(policy) is State.SUSPENDED or policy.has("metadata.deletionTimestamp"):
            continue
        for reference in graph.needs(policy.ref, Edge.IMAGE_REPOSITORY):
            target, lookup = reference.target, cluster.look(reference.target)
            if lookup.unknown and state(policy) is State.FAILED:
                yield Unknown(policy.ref, lookup.why)
            elif lookup.absent:
                facts = {"repository": str(target), "near": hints.alternatives(cluster, target)}
                yield Problem(policy.ref, facts, field="spec.imageRepositoryRef.name", missing=target)
