"""An Alert watches an object that does not exist."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, State, state


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Look up what spec.eventSources names; the name * matches what comes."""
    for alert in cluster.all("Alert"):
        if state(alert) is State.SUSPENDED or alert.has("metadata.deletionTimestamp"):
            continue
        for reference in graph.needs(alert.ref, Edge.EVENT_SOURCE):
            target = reference.target
            if not cluster.look(target).absent:
                continue
            elsewhere = [r.namespace for r in cluster.all(target.kind) if r.name == target.name]
            near = difflib.get_close_matches(target.name, cluster.names(target.kind, target.namespace), 2, 0.6)
            hint = f"; the nearest names are {', '.join(near)}" if near else ""
            hint = f"; one of that name is in namespace {elsewhere[0]}" if elsewhere else hint
            yield Problem(alert.ref, {"target": target, "near": hint}, field=f"{reference.field}.name", key=str(target))
