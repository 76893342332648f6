"""Reads what failing Flux objects wait for: their workloads with Pods, and the Pods of Flux's controllers."""

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
_WITHOUT_HEALTH = (
    "ConfigMap",
    "Secret",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
    "Event",
)
_MAX_OBJECTS = 400
_MAX_PODS = 60
_MAX_SELECTORS = 100

ServedLookup = Callable[[Ref], Served | None]


def failing(cluster: Cluster) -> list[Resource]:
    """Return the Flux objects that are not healthy, or that failed and were rolled back."""
    return [
        r
        for r in cluster.flux
        if flux.state(r) not in (State.READY, State.STATIC, State.SUSPENDED) or r.number("status.failures")
    ]


def messages(resource: Resource) -> Iterator[str]:
    """Yield the controller's messages about an object."""
    for condition in resource.conditions:
        yield condition.message


def controllers(reader: Reader, bodies: Iterable[Any]) -> ReadResult:
    """Read the Pods of the controllers' Deployments."""
    return _pods(reader, [Fields(b) for b in bodies if Fields(b).text("kind") == "Deployment"])


def blocking_objects(reader: Reader, owners: Iterable[Resource], served: ServedLookup) -> ReadResult:
    """Read the objects, down to the Pods, that failing Kustomizations and HelmReleases applied and can be waiting for."""
    appliers = [r for r in owners if r.kind in ("Kustomization", "HelmRelease") and not r.has("spec.kubeConfig")]
    candidates = list(dict.fromkeys(ref for owner in appliers for ref in _candidates(owner)))
    result = reader.gets((served(ref), ref) for ref in candidates[:_MAX_OBJECTS])
    if len(candidates) > _MAX_OBJECTS:
        text = f"{len(candidates)} objects can block readiness; only {_MAX_OBJECTS} were read"
        result.gaps.append(Gap(StepScope("workloads"), GapReason.TOO_LARGE, text))
    # Before helm-controller 1.5 a HelmRelease has no inventory; its workloads have its labels.
    without_inventory = [r for r in appliers if r.kind == "HelmRelease" and not inventory(r)][:_MAX_SELECTORS]
    jobs = [
        partial(reader.list, kind, (namespace,), query={"labelSelector": _release_selector(release)})
        for release in without_inventory
        for namespace in dict.fromkeys((release.text("spec.targetNamespace") or release.namespace,))
        for kind in _WORKLOADS.values()
    ]
    result.add(reader.run(jobs))
    unwell = [
        workload
        for body in result.bodies
        if (workload := Fields(body)).text("kind") in _WORKLOADS and not _is_rolled_out(workload)
    ]
    result.add(_pods(reader, unwell))
    return result


def _release_selector(release: Resource) -> str:
    return f"{flux.HELM}/name={release.name},{flux.HELM}/namespace={release.namespace}"


def _candidates(owner: Resource) -> Iterator[Ref]:
    """Yield the objects that the controller's messages name first, then workloads; kinds without health are left out."""
    status_text = " ".join(messages(owner))
    refs = [ref for ref in inventory(owner) if ref.kind not in _WITHOUT_HEALTH and ref.kind not in flux.KINDS]
    first = [
        ref
        for ref in refs
        if f"{ref.kind}/{ref.namespace}/{ref.name}" in status_text or f"{ref.kind}/{ref.name}" in status_text
    ]
    for row in owner.rows("spec.healthChecks"):
        group = row.text("apiVersion").partition("/")[0] if "/" in row.text("apiVersion") else ""
        kind = flux.kind_name(row.text("kind"), group)
        if kind not in flux.KINDS and kind not in _WITHOUT_HEALTH:
            first.append(Ref(kind, row.text("namespace") or owner.namespace, row.text("name")))
    yield from first
    yield from (ref for ref in refs if ref.kind in _WORKLOADS)


def _is_rolled_out(workload: Fields) -> bool:
    """Tell whether a rollout is complete, by the criteria of kubectl rollout status and kstatus (cli-utils 0.37)."""
    kind, status = workload.text("kind"), workload.fields("status")
    if kind == "Job":
        return any(r.text("type") == "Complete" and r.text("status") == "True" for r in status.rows("conditions"))
    if workload.number("metadata.generation") > status.number("observedGeneration"):
        return False
    if kind == "DaemonSet":
        desired = status.number("desiredNumberScheduled")
        return status.number("updatedNumberScheduled") >= desired and status.number("numberAvailable") >= desired
    desired, updated = workload.number("spec.replicas", 1), status.number("updatedReplicas")
    ready = status.number("readyReplicas" if kind == "StatefulSet" else "availableReplicas")
    return updated >= desired and status.number("replicas") <= max(updated, desired) and ready >= desired


def _pods(reader: Reader, workloads: Iterable[Fields]) -> ReadResult:
    """Read the Pods (and ReplicaSets) of workloads by their selectors."""
    selected = list(workloads)[:_MAX_SELECTORS]
    jobs = []
    for workload in selected:
        selector = _selector(workload)
        if selector:
            namespaces = (workload.text("metadata.namespace"),)
            query = {"labelSelector": selector}
            jobs.append(partial(reader.list, _POD, namespaces, query=query, most=_MAX_PODS))
            if workload.text("kind") == "Deployment":
                jobs.append(partial(reader.list, _REPLICA_SET, namespaces, query=query, most=_MAX_PODS))
    result = reader.run(jobs)
    result.bodies = [b for b in result.bodies if not _is_retired(Fields(b))]
    return result


def _is_retired(body: Fields) -> bool:
    """Tell whether a body is a ReplicaSet of an earlier revision, without Pods."""
    return body.text("kind") == "ReplicaSet" and not body.number("spec.replicas") and not body.number("status.replicas")


def _selector(workload: Fields) -> str:
    labels: Mapping[str, str] = dict(workload.items("spec.selector.matchLabels"))
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
