"""An Alert watches an object that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, Ref, State, state
from fluxdoctor_rules.shared import hints


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Look up the objects in spec.eventSources; an entry with the name * selects any object."""
    for alert in cluster.all("Alert"):
        if state(alert) is State.SUSPENDED or alert.has("metadata.deletionTimestamp"):
            continue
        for reference in graph.needs(alert.ref, Edge.EVENT_SOURCE):
            target = reference.target
            if not cluster.look(target).absent:
                continue
            facts: dict[str, Ref | str] = {"target": target, "near": hints.alternatives(cluster, target)}
            yield Problem(alert.ref, facts, field=f"{reference.field}.name", key=str(target))
