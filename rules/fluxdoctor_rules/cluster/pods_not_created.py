"""A workload that Flux applies has no Pods: the API server rejects them."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Graph, Problem, condition
from fluxdoctor_rules.cluster import _pods


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Read the condition that the Deployment controller sets if its ReplicaSet cannot create a Pod."""
    for workload, _ in _pods.workloads(cluster, graph):
        failure = condition(workload, "ReplicaFailure")
        if failure and failure.status == "True":
            why = " ".join(failure.message.split())
            proof = Evidence.condition(why, f"{workload.ref} condition ReplicaFailure=True")
            waiting = _pods.waiting(workload, graph, failures)
            yield Problem(workload.ref, {"why": why}, evidence=(proof,), field="spec.template.spec", explains=waiting)
