"""Pods that cannot start or do not keep running, the workloads they belong to, and the Flux objects that wait for those."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fluxdoctor import Cluster, Edge, Event, Failure, Failures, Fields, Graph, Ref, Resource, State, moment

WORKLOADS = ("DaemonSet", "Deployment", "Job", "StatefulSet")
PULL = (
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImageInspectError",
    "ImagePullBackOff",
    "InvalidImageName",
    "RegistryUnavailable",
)
CONFIG = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
CRASH = "CrashLoopBackOff"
#: A pod may fail to start a few times while what it needs comes up: three restarts take about a minute.
RESTARTS = 3
GRACE = timedelta(minutes=5)
_WAITED = re.compile(
    r"tim(?:eout|ed out) waiting|stalled resources|deadline exceeded|context deadline|rate limiter|"
    r"rollback|rolled back|attempt\(s\)|retries",
    re.I,
)
#: Failures of a HelmRelease before Helm does anything: no pod can be the reason.
_BEFORE = ("ArtifactFailed", "DependencyNotReady", "SourceNotReady", "ValuesError")


@dataclass(frozen=True, slots=True)
class Stuck:
    """A container that does not run, or a pod that was not placed (then without a container)."""

    pod: Resource
    reason: str
    text: str
    container: str = ""
    image: str = ""
    exit_code: int = 0
    restarts: int = 0
    field: str = ""


#: The pods of each workload.
Owned = Mapping[Ref, Sequence[Resource]]


def owned(cluster: Cluster) -> Owned:
    """Index the pods that are to stay by the workload that owns them, the newest first."""
    found: dict[Ref, list[Resource]] = {}
    for pod in sorted(cluster.all("Pod"), key=lambda p: p.text("metadata.creationTimestamp"), reverse=True):
        for row in pod.rows("metadata.ownerReferences"):
            if not pod.has("metadata.deletionTimestamp"):
                owner = _owner(cluster, pod, Ref(row.text("kind"), pod.namespace, row.text("name")))
                found.setdefault(owner, []).append(pod)
    return found


def _owner(cluster: Cluster, pod: Resource, ref: Ref) -> Ref:
    """A ReplicaSet belongs to a Deployment; one that was not read has that one's name and the pod's hash."""
    if ref.kind != "ReplicaSet":
        return ref
    tail = f"-{pod.label('pod-template-hash')}"
    set_ = cluster.get(ref)
    for row in set_.rows("metadata.ownerReferences") if set_ else ():
        return Ref(row.text("kind"), ref.namespace, row.text("name"))
    return Ref("Deployment", ref.namespace, ref.name.removesuffix(tail)) if ref.name.endswith(tail) else ref


def workloads(cluster: Cluster, graph: Graph) -> Iterator[tuple[Resource, Sequence[Resource]]]:
    """Yield the workloads that a Flux object applies, with their pods; Flux's controllers have a rule of their own."""
    own = {d.ref for name in _controllers(cluster) for d in cluster.controllers(name)}
    pods = owned(cluster)
    for workload in cluster.all(*WORKLOADS):
        if workload.ref not in own and graph.appliers(workload.ref) and not workload.has("metadata.deletionTimestamp"):
            yield workload, pods.get(workload.ref, ())


def _controllers(cluster: Cluster) -> set[str]:
    return {d.label("app.kubernetes.io/component") or d.name for d in cluster.all("Deployment")}


def stuck(cluster: Cluster, pods: Sequence[Resource]) -> Iterator[Stuck]:
    """Yield what keeps the pods of a workload from running, the newest pod first."""
    for pod in pods:
        yield from _unplaced(pod)
        for key in ("initContainers", "containers"):
            yield from _containers(cluster, pod, key)


def _unplaced(pod: Resource) -> Iterator[Stuck]:
    for row in pod.rows("status.conditions"):
        if (
            row.text("type") == "PodScheduled"
            and row.text("status") == "False"
            and row.text("reason") == "Unschedulable"
        ):
            yield Stuck(pod, "Unschedulable", row.text("message"))


def _containers(cluster: Cluster, pod: Resource, key: str) -> Iterator[Stuck]:
    statuses = {row.text("name"): row for row in pod.rows(f"status.{key[:-1]}Statuses")}
    for i, spec in enumerate(pod.rows(f"spec.{key}")):
        status = statuses.get(spec.text("name"), Fields())
        reason = status.text("state.waiting.reason")
        if reason:
            last = status.fields("lastState.terminated")
            yield Stuck(
                pod,
                reason,
                _words(cluster, pod, status),
                spec.text("name"),
                spec.text("image"),
                last.number("exitCode"),
                status.number("restartCount"),
                f"spec.template.spec.{key}[{i}]",
            )


def _words(cluster: Cluster, pod: Resource, status: Fields) -> str:
    """The event says more than the status, which is a back-off most of the time."""
    said = status.text("state.waiting.message")
    if status.text("state.waiting.reason") == CRASH:
        last = status.fields("lastState.terminated")
        return last.text("message").strip().rpartition("\n")[2] or last.text("reason")
    failed = (
        e.message for e in cluster.events(pod.ref) if e.type == "Warning" and e.reason == "Failed" and ":" in e.message
    )
    return said if said and not said.startswith("Back-off") else next(failed, said)


def is_old(pod: Resource, now: datetime, least: timedelta = GRACE) -> bool:
    """Tell whether a pod has been there for a while."""
    created = moment(pod.text("metadata.creationTimestamp"))
    return created is not None and now - created >= least


def waiting(workload: Resource, graph: Graph, failures: Failures) -> tuple[Ref, ...]:
    """Return the Flux objects that apply a workload and fail, or still wait, because it does not become ready."""
    return tuple(ref for ref in graph.appliers(workload.ref) if _waits(failures.of(ref), workload))


def _waits(failure: Failure | None, workload: Resource) -> bool:
    if failure is None:
        return False
    if failure.state in (State.PROGRESSING, State.NEW):
        return failure.resource.kind == "HelmRelease"
    if failure.resource.kind == "HelmRelease":
        return _waited(failure)
    return any(str(workload.ref) in words.message for words in failure.words)


def _waited(failure: Failure) -> bool:
    return any(w.reason not in _BEFORE and _WAITED.search(w.message) for w in failure.words)


def taken_back(failure: Failure) -> str:
    """Say that Helm went back to what was there before, where the controller says so."""
    back = any(w.reason.startswith(("Rollback", "Uninstall")) for w in failure.words)
    return "; Helm took the release back" if back else ""


def gone(
    cluster: Cluster, failures: Failures, graph: Graph, reasons: tuple[str, ...]
) -> Iterator[tuple[Failure, Ref, Event]]:
    """Yield events on pods that a failed and rolled back HelmRelease made and took away again, one for each release."""
    for failure in failures.failed:
        if failure.resource.kind == "HelmRelease" and _waited(failure):
            made = [r.target for r in graph.needs(failure.ref, Edge.APPLIES) if r.target.kind in WORKLOADS]
            found = next(_gone(cluster, made, reasons, failure), None)
            if found:
                yield failure, *found


def _gone(cluster: Cluster, made: list[Ref], reasons: tuple[str, ...], failure: Failure) -> Iterator[tuple[Ref, Event]]:
    tail = re.compile(r"-[a-z0-9]{5,10}(?:-[a-z0-9]{5})?\Z|-\d+\Z")
    for ref in cluster.event_refs:
        owner = Ref("", ref.namespace, tail.sub("", ref.name))
        workload = next((m for m in made if (m.namespace, m.name) == (owner.namespace, owner.name)), None)
        if ref.kind != "Pod" or workload is None or cluster.get(ref):
            continue
        for event in cluster.events(ref):
            recent = not (event.at and failure.since) or event.at >= failure.since - timedelta(minutes=30)
            if event.type == "Warning" and event.reason in reasons and recent:
                yield workload, event
