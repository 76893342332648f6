"""A health check waits for a workload whose Pod runs but does not become ready."""

from collections.abc import Iterator, Sequence

from fluxdoctor import Cluster, Evidence, Failures, Fields, Graph, Problem, Ref, Resource, State
from fluxdoctor_rules.cluster import _pods


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Report such Pods only if an object waits for the workload: a Pod that is not ready yet is normal.

    A HelmRelease in progress waits for every rollout, so its Pods count only after a grace period.
    """
    for workload, pods in _pods.workloads(cluster, graph):
        waiting = _pods.waiting(workload, graph, failures)
        if waiting and not any(_pods.stuck(cluster, pods)):
            has_failed = any((f := failures.of(ref)) and f.state is State.FAILED for ref in waiting)
            late = [pod for pod in pods if has_failed or _pods.is_old(pod, failures.taken)]
            yield from _slow(cluster, workload, late, waiting)


def _slow(
    cluster: Cluster, workload: Resource, pods: Sequence[Resource], waiting: tuple[Ref, ...]
) -> Iterator[Problem]:
    for pod in pods:
        for status in pod.rows("status.containerStatuses"):
            if status.has("state.running") and not status.flag("ready", default=True):
                yield _problem(cluster, workload, pod, status, waiting)
                return


def _problem(cluster: Cluster, workload: Resource, pod: Resource, status: Fields, waiting: tuple[Ref, ...]) -> Problem:
    message = next((e.message for e in cluster.events(pod.ref) if e.reason == "Unhealthy"), "")
    names = [row.text("name") for row in pod.rows("spec.containers")]
    name = status.text("name")
    index = names.index(name) if name in names else 0
    return Problem(
        workload.ref,
        {
            "container": name,
            "pod": pod.name,
            "namespace": pod.namespace,
            "probe": f": {' '.join(message.split())}" if message else "",
        },
        evidence=(Evidence.field("running, not ready", f"{pod.ref} status.containerStatuses"),),
        field=f"spec.template.spec.containers[{index}].readinessProbe",
        explains=waiting,
    )
