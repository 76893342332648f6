"""The GitRepository of an automation does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, State, state
from fluxdoctor_rules.shared import hints


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Look up the GitRepository of every automation."""
    for automation in cluster.all("ImageUpdateAutomation"):
        if state(automation) is State.SUSPENDED or automation.has("metadata.deletionTimestamp"):
            continue
        for reference in graph.needs(automation.ref, Edge.SOURCE):
            target = reference.target
            if cluster.look(target).absent:
                facts = {"wanted": str(target), "near": hints.alternatives(cluster, target)}
                yield Problem(automation.ref, facts, field="spec.sourceRef.name", missing=target)
