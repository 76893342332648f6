"""An object in the inventory of a Ready Kustomization or HelmRelease does not exist."""

from collections.abc import Iterator

from fluxdoctor import (
    Clock,
    Cluster,
    Evidence,
    Failures,
    Manifests,
    Problem,
    Ref,
    Resource,
    State,
    age,
    commands,
    condition,
    inventory,
    state,
)

#: Jobs and Pods are deleted after they finish; the others are recreated by their own controllers.
_SHORT_LIVED = ("Job", "Pod", "ReplicaSet", "Event", "Endpoints")
_KEY = "kustomize.toolkit.fluxcd.io/"


def check(cluster: Cluster, failures: Failures, clock: Clock, manifests: Manifests | None) -> Iterator[Problem]:
    """Compare the inventories of Ready owners that are not reconciling with the objects in the cluster."""
    for owner in cluster.active("Kustomization", "HelmRelease"):
        if not _is_settled(owner) or failures.of(owner.ref):
            continue
        for ref in inventory(owner):
            if cluster.is_absent(ref) and ref.kind not in _SHORT_LIVED and not _is_intended(ref, owner, manifests):
                yield _problem(ref, owner, clock, manifests)


def _is_settled(owner: Resource) -> bool:
    reconciling = condition(owner, "Reconciling")
    is_busy = reconciling is not None and reconciling.status == "True"
    return state(owner) is State.READY and not owner.has("spec.kubeConfig") and not is_busy


def _is_intended(ref: Ref, owner: Resource, manifests: Manifests | None) -> bool:
    """Tell whether an object can be missing on purpose: Flux applies it only once, or not at all."""
    declared = manifests.definition(ref, owner.ref) if manifests else None
    if declared is None:
        return False
    is_applied_once = declared.annotation(f"{_KEY}ssa").lower() in ("ifnotpresent", "ignore")
    return is_applied_once or "disabled" in (
        declared.annotation(f"{_KEY}reconcile"),
        declared.label(f"{_KEY}reconcile"),
    )


def _problem(ref: Ref, owner: Resource, clock: Clock, manifests: Manifests | None) -> Problem:
    ready = condition(owner, "Ready")
    declared = manifests.definition(ref, owner.ref) if manifests else None
    applied = f" {age(ready.since, clock.taken)} ago" if ready and ready.since else ""
    again = "drift detection is off" if owner.kind == "HelmRelease" else f"interval {owner.text('spec.interval')}"
    return Problem(
        ref,
        {
            "owner": owner.ref,
            "again": again,
            # The owner recreates the subject, so this replaces the subject's own command.
            "reconcile": commands(owner.ref)["reconcile"],
        },
        evidence=(Evidence.field(f"listed in the inventory; reconciled{applied}", f"{owner.ref} status.inventory"),),
        location=declared.at() if declared else None,
        shared=str(owner.ref),
    )
