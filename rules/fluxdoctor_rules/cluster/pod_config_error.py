"""A workload that Flux applies has a container that cannot be created: a ConfigMap, Secret or key does not exist."""

from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import Clock, Cluster, Evidence, Failures, Graph, Problem
from fluxdoctor_rules.cluster import _pods


def check(cluster: Cluster, graph: Graph, failures: Failures, clock: Clock) -> Iterator[Problem]:
    """Read the message of the kubelet. In the first minute the ConfigMap can still follow."""
    for workload, pods in _pods.workloads(cluster, graph):
        waiting = _pods.waiting(workload, graph, failures)
        for one in _pods.stuck(cluster, pods):
            if one.reason in _pods.CONFIG and (waiting or _pods.is_old(one.pod, clock.taken, timedelta(minutes=1))):
                facts = {
                    "container": f"container {one.container}",
                    "pod": str(one.pod.ref),
                    "why": " ".join(one.text.split()),
                }
                proof = Evidence.field(f"{one.reason}: {one.text}", f"{one.pod.ref} status")
                yield Problem(workload.ref, facts, evidence=(proof,), field=one.field, explains=waiting)
                break
