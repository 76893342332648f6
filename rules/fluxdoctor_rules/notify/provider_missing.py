"""An Alert names a Provider that does not exist."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, State, Unknown, state


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Look the Provider up in the Alert's own namespace: an Alert has no status that would tell."""
    for alert in cluster.all("Alert"):
        if state(alert) is State.SUSPENDED or alert.has("metadata.deletionTimestamp"):
            continue
        for reference in graph.needs(alert.ref, Edge.PROVIDER):
            target, found = reference.target, cluster.look(reference.target)
            if found.unknown:
                yield Unknown(alert.ref, found.why)
            elif found.absent:
                elsewhere = [r.namespace for r in cluster.all("Provider") if r.name == target.name]
                near = difflib.get_close_matches(target.name, cluster.names("Provider", target.namespace), 2, 0.6)
                hint = f"; the nearest names are {', '.join(near)}" if near else ""
                hint = f"; one of that name is in namespace {elsewhere[0]}" if elsewhere else hint
                facts = {"provider": target.named, "near": hint}
                yield Problem(alert.ref, facts, field="spec.providerRef.name", missing=target)
