"""A Flux object is being deleted and does not go: a finalizer holds it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from fluxdoctor import (
    Clock,
    Cluster,
    Evidence,
    Failures,
    Graph,
    Problem,
    Ref,
    Resource,
    Severity,
    age,
    moment,
    timeout,
)

_OURS = "finalizers.fluxcd.io"
#: The garbage collector of Kubernetes takes these away itself.
_PASSING = ("foregroundDeletion", "orphan", "kubernetes")
_GRACE = timedelta(minutes=5)


def check(cluster: Cluster, graph: Graph, failures: Failures, clock: Clock) -> Iterator[Problem]:
    """Flux's own finalizer goes when its controller is done; one of somebody else stays until its owner removes it."""
    leaving = [r for r in cluster if r.has("metadata.deletionTimestamp")]
    flux_kinds = {r.kind for r in cluster.flux} if leaving else set()
    others = [r for r in leaving if r.kind not in ("Namespace", "Pod", *flux_kinds)]
    yield from _applied(others, graph, failures, clock)
    for resource in (r for r in leaving if r.kind in flux_kinds):
        since, held = _leaving(resource)
        if since is None or not held:
            continue
        waited = clock.taken - since
        foreign = [f for f in held if not f.endswith("fluxcd.io")]
        if foreign and _OURS not in held:
            young = waited < _GRACE
            who = f"finalizer {', '.join(foreign)}, which is not Flux's; Flux is done with it"
            yield _problem(resource, foreign, who, age(since, clock.taken), Severity.WARNING if young else None)
        elif waited > _GRACE + timeout(resource):
            who = f"finalizer {', '.join(held)}: {_hint(cluster, resource)}"
            yield _problem(resource, held, who, age(since, clock.taken), None)


def _applied(leaving: list[Resource], graph: Graph, failures: Failures, clock: Clock) -> Iterator[Problem]:
    """Objects that Flux applies, are being deleted and are held; a namespace has a rule of its own."""
    for resource in leaving:
        since, held = _leaving(resource)
        if since is None or not held:
            continue
        waits = [f.ref for f in failures.failed if any(f"{resource.ref} status: 'Term" in w.message for w in f.words)]
        if waits or (graph.appliers(resource.ref) and clock.taken - since > _GRACE):
            who = f"finalizer {', '.join(held)}"
            yield replace(_problem(resource, held, who, age(since, clock.taken), None), explains=tuple(waits))


def _leaving(resource: Resource) -> tuple[datetime | None, list[str]]:
    """Return since when an object is being deleted, and the finalizers that hold it."""
    held = [f for f in resource.strings("metadata.finalizers") if f not in _PASSING]
    return moment(resource.text("metadata.deletionTimestamp")), held


def _problem(resource: Resource, held: list[str], who: str, waited: str, severity: Severity | None) -> Problem:
    proof = Evidence(f"deletionTimestamp {resource.text('metadata.deletionTimestamp')}, finalizers {', '.join(held)}")
    facts = {
        "age": waited,
        "who": who,
        "kind": resource.kind.lower(),
        "name": resource.name,
        "namespace": resource.namespace,
    }
    return Problem(resource.ref, facts, evidence=(proof,), field="metadata.finalizers", severity=severity)


def _hint(cluster: Cluster, resource: Resource) -> str:
    account = resource.text("spec.serviceAccountName")
    if account and cluster.look(Ref("ServiceAccount", resource.namespace, account)).absent:
        return f"ServiceAccount {account}, with which it would clean up, does not exist"
    said = [e.message for e in cluster.events(resource.ref) if e.type == "Warning"]
    return (
        f"its controller says: {' '.join(said[0].split())}" if said else "its controller has not finished the clean-up"
    )
