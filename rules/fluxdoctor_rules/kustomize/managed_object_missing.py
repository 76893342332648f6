"""An object that a healthy Kustomization or HelmRelease says it applied is not there."""

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
    condition,
    inventory,
    state,
)

#: Jobs and Pods end and are taken away; the others are made again by their own controllers.
_PASSING = ("Job", "Pod", "ReplicaSet", "Event", "Endpoints")
_KEY = "kustomize.toolkit.fluxcd.io/"


def check(cluster: Cluster, failures: Failures, clock: Clock, manifests: Manifests | None) -> Iterator[Problem]:
    """Compare the inventory of every owner that is Ready and not at work with what is there."""
    for owner in cluster.all("Kustomization", "HelmRelease"):
        if not _settled(owner) or failures.of(owner.ref):
            continue
        for ref in inventory(owner):
            if cluster.is_absent(ref) and ref.kind not in _PASSING and not _meant(ref, owner, manifests):
                yield _problem(ref, owner, clock, manifests)


def _settled(owner: Resource) -> bool:
    busy = condition(owner, "Reconciling")
    gone = owner.has("metadata.deletionTimestamp") or owner.has("spec.kubeConfig")
    return state(owner) is State.READY and not gone and not (busy and busy.status == "True")


def _meant(ref: Ref, owner: Resource, manifests: Manifests | None) -> bool:
    """An object that Flux applies once, or not at all, may be deleted on purpose."""
    declared = manifests.definition(ref, owner.ref) if manifests else None
    if declared is None:
        return False
    once = declared.annotation(f"{_KEY}ssa").lower() in ("ifnotpresent", "ignore")
    return once or "disabled" in (declared.annotation(f"{_KEY}reconcile"), declared.label(f"{_KEY}reconcile"))


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
            "kind": owner.kind.lower(),
            "name": owner.name,
            "namespace": owner.namespace,
        },
        evidence=(Evidence(f"in its inventory; reconciled{applied}", f"{owner.ref} status.inventory"),),
        location=declared.at() if declared else None,
        shared=str(owner.ref),
    )
