"""A workload that Flux applies has a Pod that cannot be scheduled."""

from collections.abc import Iterator

from fluxdoctor import Clock, Cluster, Evidence, Failures, Graph, Problem
from fluxdoctor_rules.cluster import _pods


def check(cluster: Cluster, graph: Graph, failures: Failures, clock: Clock) -> Iterator[Problem]:
    """Read the message of the scheduler. An autoscaler needs minutes for a node, so a young Pod alone is no fault."""
    for workload, pods in _pods.workloads(cluster, graph):
        waiting = _pods.waiting(workload, graph, failures)
        for one in _pods.stuck(cluster, pods):
            if one.reason == "Unschedulable" and (waiting or _pods.is_old(one.pod, clock.taken)):
                proof = Evidence.condition(f"Unschedulable: {one.text}", f"{one.pod.ref} condition PodScheduled=False")
                facts = {"pod": str(one.pod.ref), "why": " ".join(one.text.split()).rstrip(".")}
                field = "spec.template.spec"
                yield Problem(workload.ref, facts, evidence=(proof,), field=field, explains=waiting)
                break
    for failure, workload_ref, event in _pods.removed(cluster, failures, graph, ("FailedScheduling",)):
        facts = {"pod": f"a Pod of {workload_ref}", "why": " ".join(event.message.split()).rstrip(".")}
        yield Problem(
            failure.ref,
            facts,
            evidence=(Evidence.event(event.message, "event on its pod"),),
            field="spec.values",
        )
