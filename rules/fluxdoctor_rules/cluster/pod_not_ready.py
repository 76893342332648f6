"""A health check waits for a workload whose pod runs and does not become ready."""

from collections.abc import Iterator, Sequence

from fluxdoctor import Cluster, Evidence, Failures, Fields, Graph, Problem, Ref, Resource, State
from fluxdoctor_rules.cluster import _pods


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Speak only where a failing object waits for the workload: a pod that is not ready yet is normal by itself.

    A HelmRelease whose action still runs waits for every roll-out: there the pod must have been up for a while.
    """
    for workload, pods in _pods.workloads(cluster, graph):
        waits = _pods.waiting(workload, graph, failures)
        if waits and not any(_pods.stuck(cluster, pods)):
            failed = any((f := failures.of(ref)) and f.state is State.FAILED for ref in waits)
            late = [pod for pod in pods if failed or _pods.is_old(pod, failures.taken)]
            yield from _slow(cluster, workload, late, waits)


def _slow(cluster: Cluster, workload: Resource, pods: Sequence[Resource], waits: tuple[Ref, ...]) -> Iterator[Problem]:
    for pod in pods:
        for status in pod.rows("status.containerStatuses"):
            if status.has("state.running") and not status.flag("ready", default=True):
                yield _problem(cluster, workload, pod, status, waits)
                return


def _problem(cluster: Cluster, workload: Resource, pod: Resource, status: Fields, waits: tuple[Ref, ...]) -> Problem:
    said = next((e.message for e in cluster.events(pod.ref) if e.reason == "Unhealthy"), "")
    names = [row.text("name") for row in pod.rows("spec.containers")]
    name = status.text("name")
    index = names.index(name) if name in names else 0
    return Problem(
        workload.ref,
        {
            "container": name,
            "pod": pod.name,
            "namespace": pod.namespace,
            "probe": f": {' '.join(said.split())}" if said else "",
        },
        evidence=(Evidence("running, not ready", f"{pod.ref} status.containerStatuses"),),
        field=f"spec.template.spec.containers[{index}].readinessProbe",
        explains=waits,
    )
