"""A workload that Flux applies has a container that cannot be made: a ConfigMap, Secret or key that it names is not there."""

from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import Clock, Cluster, Evidence, Failures, Graph, Problem
from fluxdoctor_rules.cluster import _pods


def check(cluster: Cluster, graph: Graph, failures: Failures, clock: Clock) -> Iterator[Problem]:
    """Read the kubelet's words; for a minute the ConfigMap may still be on its way."""
    for workload, pods in _pods.workloads(cluster, graph):
        waits = _pods.waiting(workload, graph, failures)
        for one in _pods.stuck(cluster, pods):
            if one.reason in _pods.CONFIG and (waits or _pods.is_old(one.pod, clock.taken, timedelta(minutes=1))):
                facts = {
                    "container": f"container {one.container}",
                    "pod": one.pod.name,
                    "why": " ".join(one.text.split()),
                }
                proof = Evidence(f"{one.reason}: {one.text}", f"{one.pod.ref} status")
                yield Problem(workload.ref, facts, evidence=(proof,), field=one.field, explains=waits)
                break
