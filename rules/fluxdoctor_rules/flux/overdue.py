"""A Ready object that its controller has not reconciled for several intervals, or not on request."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from fluxdoctor import (
    Clock,
    Cluster,
    Evidence,
    Problem,
    Resource,
    State,
    age,
    controller_of,
    interval,
    is_terminating,
    moment,
    state,
    timeout,
)
from fluxdoctor_rules.shared.history import last_reconciled

_REQUESTED = "reconcile.fluxcd.io/requestedAt"
_INTERVALS = 3
_SLACK = timedelta(minutes=5)
_DONE = (State.READY, State.FAILED)
#: Kinds whose controllers copy a request to status.lastHandledReconcileAt, whether reconciliation succeeds or fails.
_REQUESTABLE = (
    "GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Bucket", "Kustomization", "HelmRelease",
    "ImageRepository", "ImageUpdateAutomation",
)  # fmt: skip


@dataclass(frozen=True)
class _Delay:
    """A reconciliation that is overdue, by the interval or on request, and the proof."""

    text: str
    proof: Evidence
    is_interval: bool


def check(cluster: Cluster, clock: Clock) -> Iterator[Problem]:
    """Read status.history of Kustomizations (kustomize-controller 1.7), and requests that no controller has handled."""
    for resource in cluster.flux:
        if state(resource) not in _DONE or is_terminating(resource):
            continue
        overdue = _overdue(resource, clock.taken) or _unhandled(resource, clock.taken)
        if overdue and not _is_down(resource, cluster):
            yield Problem(
                resource.ref,
                {"what": overdue.text},
                evidence=(overdue.proof,),
                field="spec.interval",
                # One hanging controller is one cause, however many objects it no longer reconciles.
                shared=controller_of(resource.kind) if overdue.is_interval else "",
            )


def _is_down(resource: Resource, cluster: Cluster) -> bool:
    """Return whether the controller does not run: the rule cluster/controller-down reports that once."""
    name = controller_of(resource.kind)
    return any(d.number("status.availableReplicas") == 0 for d in cluster.controllers(name))


def _overdue(resource: Resource, now: datetime) -> _Delay | None:
    if resource.kind != "Kustomization" or state(resource) is not State.READY:
        return None
    last = last_reconciled(resource)
    if last is None or now - last < _INTERVALS * interval(resource) + timeout(resource) + _SLACK:
        return None
    every = resource.text("spec.interval", "10m")
    text = f"was last reconciled {age(last, now)} ago, although its interval is {every}"
    proof = Evidence.field(f"lastReconciled {last:%Y-%m-%d %H:%M:%SZ}", f"{resource.ref} status.history")
    return _Delay(text, proof, is_interval=True)


def _unhandled(resource: Resource, now: datetime) -> _Delay | None:
    """Return a request that was not handled in time.

    flux or a Receiver writes the time of the request to the annotation; the controller copies it to its status.
    """
    request = resource.annotation(_REQUESTED)
    at = moment(request) if request else None
    if at is None or resource.kind not in _REQUESTABLE or request == resource.text("status.lastHandledReconcileAt"):
        return None
    # A reconciliation in progress handles the request when it ends.
    if now - at < timeout(resource) + interval(resource) + _SLACK:
        return None
    proof = Evidence.field(f"{_REQUESTED}: {request}", f"{resource.ref} metadata.annotations")
    return _Delay(f"a reconcile request from {age(at, now)} ago was not handled", proof, is_interval=False)
