"""What failing Flux objects wait for: the workloads that they applied, their pods, and the pods of Flux's controllers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from fluxdoctor.collect.kube.discovery import Served
from fluxdoctor.collect.kube.read import Reader, ReadResult
from fluxdoctor.model import flux
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.flux import State
from fluxdoctor.model.gaps import Gap, GapReason, StepScope
from fluxdoctor.model.graph import inventory
from fluxdoctor.model.resource import Fields, Ref, Resource

_POD = Served("", "Pod", "pods", ("v1",), namespaced=True)
_REPLICA_SET = Served("apps", "ReplicaSet", "replicasets", ("v1",), namespaced=True)
_WORKLOADS = {
    kind: Served(group, kind, f"{kind.lower()}s", ("v1",), namespaced=True)
    for kind, group in (("DaemonSet", "apps"), ("Deployment", "apps"), ("Job", "batch"), ("StatefulSet", "apps"))
}
_PLAIN = ("ConfigMap", "Secret", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "Event")
_MOST_OBJECTS = 400
_MOST_PODS = 60
_MOST_SELECTORS = 100

Asks = Callable[[Ref], Served | None]


def failing(cluster: Cluster) -> list[Resource]:
    """Return the Flux objects that are not well, or went wrong and were taken back."""
    return [
        r
        for r in cluster.flux
        if flux.state(r) not in (State.READY, State.STATIC, State.SUSPENDED) or r.number("status.failures")
    ]


def messages(resource: Resource) -> Iterator[str]:
    """Yield what the controller says of an object."""
    for condition in resource.conditions:
        yield condition.message


def controllers(reader: Reader, bodies: Iterable[Any]) -> ReadResult:
    """Read the pods of the controllers' Deployments."""
    return _pods(reader, [Fields(b) for b in bodies if Fields(b).text("kind") == "Deployment"])


def waited_for(reader: Reader, owners: Iterable[Resource], asks: Asks) -> ReadResult:
    """Read the objects that failing Kustomizations and HelmReleases applied and may wait for, down to the pods."""
    appliers = [r for r in owners if r.kind in ("Kustomization", "HelmRelease") and not r.has("spec.kubeConfig")]
    wanted = list(dict.fromkeys(ref for owner in appliers for ref in _candidates(owner)))
    found = reader.gets((asks(ref), ref) for ref in wanted[:_MOST_OBJECTS])
    if len(wanted) > _MOST_OBJECTS:
        why = f"{len(wanted)} objects may be waited for; {_MOST_OBJECTS} were read"
        found.gaps.append(Gap(StepScope("workloads"), GapReason.TOO_LARGE, why))
    # Before helm-controller 1.5 a HelmRelease has no inventory; its workloads carry its labels.
    bare = [r for r in appliers if r.kind == "HelmRelease" and not inventory(r)][:_MOST_SELECTORS]
    jobs = [
        partial(reader.list, kind, (space,), query={"labelSelector": _labelled(release)})
        for release in bare
        for space in dict.fromkeys((release.text("spec.targetNamespace") or release.namespace,))
        for kind in _WORKLOADS.values()
    ]
    found.add(reader.run(jobs))
    unwell = [view for body in found.bodies if (view := Fields(body)).text("kind") in _WORKLOADS and not _is_well(view)]
    found.add(_pods(reader, unwell))
    return found


def _labelled(release: Resource) -> str:
    return f"{flux.HELM}/name={release.name},{flux.HELM}/namespace={release.namespace}"


def _candidates(owner: Resource) -> Iterator[Ref]:
    """What the controller names comes first, then workloads; plain objects have no health to wait for."""
    said = " ".join(messages(owner))
    refs = [ref for ref in inventory(owner) if ref.kind not in _PLAIN and ref.kind not in flux.KINDS]
    named = [
        ref for ref in refs if f"{ref.kind}/{ref.namespace}/{ref.name}" in said or f"{ref.kind}/{ref.name}" in said
    ]
    for row in owner.rows("spec.healthChecks"):
        group = row.text("apiVersion").partition("/")[0] if "/" in row.text("apiVersion") else ""
        kind = flux.kind_name(row.text("kind"), group)
        if kind not in flux.KINDS and kind not in _PLAIN:
            named.append(Ref(kind, row.text("namespace") or owner.namespace, row.text("name")))
    yield from named
    yield from (ref for ref in refs if ref.kind in _WORKLOADS)


def _is_well(workload: Fields) -> bool:
    """Tell whether a roll-out is at its end: as kubectl rollout status and kstatus see it (cli-utils 0.37)."""
    kind, status = workload.text("kind"), workload.fields("status")
    if kind == "Job":
        return any(r.text("type") == "Complete" and r.text("status") == "True" for r in status.rows("conditions"))
    if workload.number("metadata.generation") > status.number("observedGeneration"):
        return False
    if kind == "DaemonSet":
        wanted = status.number("desiredNumberScheduled")
        return status.number("updatedNumberScheduled") >= wanted and status.number("numberAvailable") >= wanted
    wanted, updated = workload.number("spec.replicas", 1), status.number("updatedReplicas")
    ready = status.number("readyReplicas" if kind == "StatefulSet" else "availableReplicas")
    return updated >= wanted and status.number("replicas") <= max(updated, wanted) and ready >= wanted


def _pods(reader: Reader, of: Iterable[Fields]) -> ReadResult:
    """Read the pods (and ReplicaSets) of workloads by their selectors."""
    chosen = list(of)[:_MOST_SELECTORS]
    jobs = []
    for workload in chosen:
        selector = _selector(workload)
        if selector:
            space = (workload.text("metadata.namespace"),)
            query = {"labelSelector": selector}
            jobs.append(partial(reader.list, _POD, space, query=query, most=_MOST_PODS))
            if workload.text("kind") == "Deployment":
                jobs.append(partial(reader.list, _REPLICA_SET, space, query=query, most=_MOST_PODS))
    found = reader.run(jobs)
    found.bodies = [b for b in found.bodies if not _is_retired(Fields(b))]
    return found


def _is_retired(body: Fields) -> bool:
    """A ReplicaSet of an earlier revision that holds no pod."""
    return body.text("kind") == "ReplicaSet" and not body.number("spec.replicas") and not body.number("status.replicas")


def _selector(workload: Fields) -> str:
    labels: Mapping[str, str] = dict(workload.items("spec.selector.matchLabels"))
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
