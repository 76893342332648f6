"""An Alert names a Provider that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, State, Unknown, state
from fluxdoctor_rules.shared import hints


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Look up the Provider in the namespace of the Alert: an Alert has no status."""
    for alert in cluster.all("Alert"):
        if state(alert) is State.SUSPENDED or alert.has("metadata.deletionTimestamp"):
            continue
        for reference in graph.needs(alert.ref, Edge.PROVIDER):
            target, lookup = reference.target, cluster.look(reference.target)
            if lookup.unknown:
                yield Unknown(alert.ref, lookup.why)
            elif lookup.absent:
                facts = {"provider": target.named, "near": hints.alternatives(cluster, target)}
                yield Problem(alert.ref, facts, field="spec.providerRef.name", missing=target)
