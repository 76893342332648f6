"""A workload that Flux applies has a container that keeps crashing."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Failures, Graph, Problem, Ref, Resource
from fluxdoctor_rules.cluster import _pods

#: Exit codes with a meaning: 128 plus a signal, and those of the shell.
_MEANING = {
    126: "not executable",
    127: "command not found",
    137: "killed",
    139: "segmentation fault",
    143: "terminated",
}


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Read the Pods of every workload that Flux applies. A few restarts are normal until its dependencies are ready."""
    for workload, pods in _pods.workloads(cluster, graph):
        waiting = _pods.waiting(workload, graph, failures)
        for one in _pods.stuck(cluster, pods):
            if one.reason == _pods.CRASH and (waiting or one.restarts >= _pods.RESTARTS):
                yield _problem(workload, one, waiting)
                break
    for failure, workload_ref, event in _pods.removed(cluster, failures, graph, ("BackOff",)):
        if "restarting failed container" in event.message:
            facts = {
                "container": f"a container of {workload_ref}",
                "how": _pods.remediation(failure),
                "logs": "",
            }
            yield Problem(
                failure.ref,
                facts,
                evidence=(Evidence.event(event.message, "event on its pod"),),
                field="spec.values",
            )


def _problem(workload: Resource, one: _pods.Stuck, waiting: tuple[Ref, ...]) -> Problem:
    meaning = one.text if one.text not in ("", "Error", "Completed") else _MEANING.get(one.exit_code, "")
    how = f": exit code {one.exit_code}{f' ({meaning})' if meaning else ''}, {one.restarts} restarts"
    pod = one.pod
    facts = {
        "container": f"container {one.container} of {pod.ref}",
        "how": how,
        "logs": f". Run: kubectl -n {pod.namespace} logs {pod.name} -c {one.container} --previous",
    }
    proof = Evidence.field(f"{one.reason}: exit code {one.exit_code}, {one.restarts} restarts", f"{pod.ref} status")
    return Problem(workload.ref, facts, evidence=(proof,), field=one.field, explains=waiting)
