"""The GitRepository of an automation does not exist."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, State, state


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Look the GitRepository of every automation up."""
    for automation in cluster.all("ImageUpdateAutomation"):
        if state(automation) is State.SUSPENDED or automation.has("metadata.deletionTimestamp"):
            continue
        for reference in graph.needs(automation.ref, Edge.SOURCE):
            target = reference.target
            if cluster.look(target).absent:
                elsewhere = [r.namespace for r in cluster.all(target.kind) if r.name == target.name]
                near = difflib.get_close_matches(target.name, cluster.names(target.kind, target.namespace), 1, 0.6)
                hint = f"; the nearest name is {near[0]}" if near else ""
                hint = f"; one of that name is in namespace {elsewhere[0]}" if elsewhere else hint
                facts = {"wanted": str(target), "near": hint}
                yield Problem(automation.ref, facts, field="spec.sourceRef.name", missing=target)
