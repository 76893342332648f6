"""Pods that do not start or do not keep running, their workloads, and the Flux objects that wait for the workloads."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fluxdoctor import (
    Cluster,
    Edge,
    Event,
    Failure,
    Failures,
    Fields,
    Graph,
    Ref,
    Resource,
    State,
    is_terminating,
    moment,
)

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
#: A Pod can restart a few times until its dependencies are ready: three restarts take about a minute.
RESTARTS = 3
GRACE = timedelta(minutes=5)
_TIMED_OUT = re.compile(
    r"tim(?:eout|ed out) waiting|stalled resources|deadline exceeded|context deadline|rate limiter|"
    r"rollback|rolled back|attempt\(s\)|retries",
    re.I,
)
#: Failures of a HelmRelease before Helm creates a Pod, so a Pod cannot be the cause.
_BEFORE_PODS = ("ArtifactFailed", "DependencyNotReady", "SourceNotReady", "ValuesError")


@dataclass(frozen=True, slots=True)
class Stuck:
    """A container that does not run, or a Pod that is not scheduled (then without a container)."""

    pod: Resource
    reason: str
    text: str
    container: str = ""
    image: str = ""
    exit_code: int = 0
    restarts: int = 0
    field: str = ""


#: The Pods of each workload, newest first.
PodsByWorkload = Mapping[Ref, Sequence[Resource]]


def by_workload(cluster: Cluster) -> PodsByWorkload:
    """Index the Pods that are not terminating by the workload that owns them, newest first."""
    index: dict[Ref, list[Resource]] = {}
    for pod in sorted(cluster.all("Pod"), key=lambda p: p.text("metadata.creationTimestamp"), reverse=True):
        for row in pod.rows("metadata.ownerReferences"):
            if not is_terminating(pod):
                owner = _owner(cluster, pod, Ref(row.text("kind"), pod.namespace, row.text("name")))
                index.setdefault(owner, []).append(pod)
    return index


def _owner(cluster: Cluster, pod: Resource, ref: Ref) -> Ref:
    """Return the Deployment of a ReplicaSet, else the owner itself.

    A ReplicaSet that was not read has the name of its Deployment, followed by the hash of the Pod template.
    """
    if ref.kind != "ReplicaSet":
        return ref
    suffix = f"-{pod.label('pod-template-hash')}"
    replica_set = cluster.get(ref)
    for row in replica_set.rows("metadata.ownerReferences") if replica_set else ():
        return Ref(row.text("kind"), ref.namespace, row.text("name"))
    return Ref("Deployment", ref.namespace, ref.name.removesuffix(suffix)) if ref.name.endswith(suffix) else ref


def workloads(cluster: Cluster, graph: Graph) -> Iterator[tuple[Resource, Sequence[Resource]]]:
    """Yield the workloads that a Flux object applies, with their Pods.

    Flux controllers are left out: cluster/controller-down reports those.
    """
    controllers = {d.ref for name in _controllers(cluster) for d in cluster.controllers(name)}
    pods = by_workload(cluster)
    for workload in cluster.all(*WORKLOADS):
        if workload.ref not in controllers and graph.appliers(workload.ref) and not is_terminating(workload):
            yield workload, pods.get(workload.ref, ())


def _controllers(cluster: Cluster) -> set[str]:
    return {d.label("app.kubernetes.io/component") or d.name for d in cluster.all("Deployment")}


def stuck(cluster: Cluster, pods: Sequence[Resource]) -> Iterator[Stuck]:
    """Yield the reasons why the Pods of a workload do not run, newest Pod first."""
    for pod in pods:
        yield from _unscheduled(pod)
        for key in ("initContainers", "containers"):
            yield from _containers(cluster, pod, key)


def _unscheduled(pod: Resource) -> Iterator[Stuck]:
    for row in pod.rows("status.conditions"):
        if (
            row.text("type") == "PodScheduled"
            and row.text("status") == "False"
            and row.text("reason") == "Unschedulable"
        ):
            yield Stuck(pod, "Unschedulable", row.message("message"))


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
                _message(cluster, pod, status),
                spec.text("name"),
                spec.text("image"),
                last.number("exitCode"),
                status.number("restartCount"),
                f"spec.template.spec.{key}[{i}]",
            )


def _message(cluster: Cluster, pod: Resource, status: Fields) -> str:
    """Return the most detailed message: that of an event if the status only reports a back-off."""
    message = status.message("state.waiting.message")
    if status.text("state.waiting.reason") == CRASH:
        last = status.fields("lastState.terminated")
        return last.message("message").rpartition("\n")[2] or last.text("reason")
    failures = (
        e.message for e in cluster.events(pod.ref) if e.type == "Warning" and e.reason == "Failed" and ":" in e.message
    )
    return message if message and not message.startswith("Back-off") else next(failures, message)


def is_old(pod: Resource, now: datetime, least: timedelta = GRACE) -> bool:
    """Return whether a Pod was created at least that long ago."""
    created = moment(pod.text("metadata.creationTimestamp"))
    return created is not None and now - created >= least


def waiting(workload: Resource, graph: Graph, failures: Failures) -> tuple[Ref, ...]:
    """Return the Flux objects that apply a workload and that fail or wait because it does not become ready."""
    return tuple(ref for ref in graph.appliers(workload.ref) if _waits(failures.of(ref), workload))


def _waits(failure: Failure | None, workload: Resource) -> bool:
    if failure is None:
        return False
    if failure.state in (State.PROGRESSING, State.NEW):
        return failure.resource.kind == "HelmRelease"
    if failure.resource.kind == "HelmRelease":
        return _timed_out(failure)
    return any(str(workload.ref) in words.message for words in failure.words)


def _timed_out(failure: Failure) -> bool:
    return any(w.reason not in _BEFORE_PODS and _TIMED_OUT.search(w.message) for w in failure.words)


def remediation(failure: Failure) -> str:
    """Return what Helm did after the failure, as the end of a message; "" if the controller reports nothing."""
    reasons = [w.reason for w in failure.words]
    if any(r.startswith("Rollback") for r in reasons):
        return "; Helm rolled the release back"
    return "; Helm uninstalled the release" if any(r.startswith("Uninstall") for r in reasons) else ""


def removed(
    cluster: Cluster, failures: Failures, graph: Graph, reasons: tuple[str, ...]
) -> Iterator[tuple[Failure, Ref, Event]]:
    """Yield an event of a Pod that a failed HelmRelease created and its rollback removed, one for each release."""
    for failure in failures.failed:
        if failure.resource.kind == "HelmRelease" and _timed_out(failure):
            targets = [r.target for r in graph.needs(failure.ref, Edge.APPLIES) if r.target.kind in WORKLOADS]
            event = next(_events(cluster, targets, reasons, failure), None)
            if event:
                yield failure, *event


def _events(
    cluster: Cluster, targets: list[Ref], reasons: tuple[str, ...], failure: Failure
) -> Iterator[tuple[Ref, Event]]:
    suffix = re.compile(r"-[a-z0-9]{5,10}(?:-[a-z0-9]{5})?\Z|-\d+\Z")
    for ref in cluster.event_refs:
        owner = Ref("", ref.namespace, suffix.sub("", ref.name))
        workload = next((t for t in targets if (t.namespace, t.name) == (owner.namespace, owner.name)), None)
        if ref.kind != "Pod" or workload is None or cluster.get(ref):
            continue
        for event in cluster.events(ref):
            is_recent = not (event.at and failure.since) or event.at >= failure.since - timedelta(minutes=30)
            if event.type == "Warning" and event.reason in reasons and is_recent:
                yield workload, event
