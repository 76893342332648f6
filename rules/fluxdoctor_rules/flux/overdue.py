"""A green object that its controller has not looked at for several intervals, or that was asked for in vain."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from fluxdoctor import Clock, Cluster, Evidence, Problem, Resource, State, age, interval, moment, state, timeout
from fluxdoctor_rules.kustomize._history import last_reconciled

_REQUESTED = "reconcile.fluxcd.io/requestedAt"
_INTERVALS = 3
_SLACK = timedelta(minutes=5)
_CONTROLLERS = {"Kustomization": "kustomize-controller", "HelmRelease": "helm-controller"}
_DONE = (State.READY, State.FAILED)
#: Kinds whose controllers copy the request to their status, however the reconciliation ends.
_ANSWER = (
    "GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Bucket", "Kustomization", "HelmRelease",
    "ImageRepository", "ImageUpdateAutomation",
)  # fmt: skip


def check(cluster: Cluster, clock: Clock) -> Iterator[Problem]:
    """Read status.history of Kustomizations (kustomize-controller 1.7), and requests that no controller has answered."""
    for resource in cluster.flux:
        if state(resource) not in _DONE or resource.has("metadata.deletionTimestamp"):
            continue
        late = _late(resource, clock.taken) or _asked(resource, clock.taken)
        if late and not _is_down(resource, cluster):
            what, proof = late
            facts = {
                "what": what,
                "kind": resource.kind.lower(),
                "name": resource.name,
                "namespace": resource.namespace,
            }
            # One controller that hangs is one cause, however many objects it has left alone.
            shared = _CONTROLLERS.get(resource.kind, "source-controller") if "last reconciled" in what else ""
            yield Problem(resource.ref, facts, evidence=(proof,), field="spec.interval", shared=shared)


def _is_down(resource: Resource, cluster: Cluster) -> bool:
    """A controller that does not run is told once, by its own rule."""
    name = _CONTROLLERS.get(resource.kind, "source-controller")
    return any(d.number("status.availableReplicas") == 0 for d in cluster.controllers(name))


def _late(resource: Resource, taken: datetime) -> tuple[str, Evidence] | None:
    if resource.kind != "Kustomization" or state(resource) is not State.READY:
        return None
    last = last_reconciled(resource)
    if last is None or taken - last < _INTERVALS * interval(resource) + timeout(resource) + _SLACK:
        return None
    when = age(last, taken)
    every = resource.text("spec.interval", "10m")
    return f"was last reconciled {when} ago, though its interval is {every}", Evidence(
        f"lastReconciled {last:%Y-%m-%d %H:%M:%SZ}", f"{resource.ref} status.history"
    )


def _asked(resource: Resource, taken: datetime) -> tuple[str, Evidence] | None:
    """The annotation's value is a time when flux or a Receiver wrote it; the controller copies it to its status."""
    wanted = resource.annotation(_REQUESTED)
    at = moment(wanted) if wanted else None
    if at is None or resource.kind not in _ANSWER or wanted == resource.text("status.lastHandledReconcileAt"):
        return None
    # A reconciliation that is at work answers when it ends.
    if taken - at < timeout(resource) + interval(resource) + _SLACK:
        return None
    return f"was asked to reconcile {age(at, taken)} ago, and nothing answered", Evidence(
        f"{_REQUESTED}: {wanted}", f"{resource.ref} metadata.annotations"
    )
