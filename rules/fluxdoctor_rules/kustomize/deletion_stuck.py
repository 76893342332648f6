"""A Flux object, or an object that Flux applied, is terminating because of a finalizer."""

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
    is_terminating,
    kubectl,
    moment,
    timeout,
)

_OURS = "finalizers.fluxcd.io"
#: The garbage collector of Kubernetes removes these itself.
_BUILT_IN = ("foregroundDeletion", "orphan", "kubernetes")
_GRACE = timedelta(minutes=5)


def check(cluster: Cluster, graph: Graph, failures: Failures, clock: Clock) -> Iterator[Problem]:
    """Report the finalizers of terminating objects; the controller that set a finalizer must remove it."""
    terminating = [r for r in cluster if is_terminating(r)]
    flux_kinds = {r.kind for r in cluster.flux} if terminating else set()
    others = [r for r in terminating if r.kind not in ("Namespace", "Pod", *flux_kinds)]
    yield from _applied(others, graph, failures, clock)
    for resource in (r for r in terminating if r.kind in flux_kinds):
        since, finalizers = _deletion(resource)
        if since is None or not finalizers:
            continue
        duration = clock.taken - since
        foreign = [f for f in finalizers if not f.endswith("fluxcd.io")]
        if foreign and _OURS not in finalizers:
            origin = "not a Flux finalizer" if len(foreign) == 1 else "not Flux finalizers"
            who = f"{_still_set(foreign)} ({origin}; Flux has finished its own cleanup)"
            severity = Severity.WARNING if duration < _GRACE else None
            yield _problem(resource, foreign, who, age(since, clock.taken), severity)
        elif duration > _GRACE + timeout(resource):
            who = f"{_still_set(finalizers)}; {_hint(cluster, resource)}"
            yield _problem(resource, finalizers, who, age(since, clock.taken), None)


def _still_set(finalizers: list[str]) -> str:
    if len(finalizers) == 1:
        return f"finalizer {finalizers[0]} is still set"
    return f"finalizers {', '.join(finalizers)} are still set"


def _applied(terminating: list[Resource], graph: Graph, failures: Failures, clock: Clock) -> Iterator[Problem]:
    """Report terminating objects that Flux applied; there is another rule for namespaces."""
    for resource in terminating:
        since, finalizers = _deletion(resource)
        if since is None or not finalizers:
            continue
        waits = [f.ref for f in failures.failed if any(f"{resource.ref} status: 'Term" in w.message for w in f.words)]
        if waits or (graph.appliers(resource.ref) and clock.taken - since > _GRACE):
            problem = _problem(resource, finalizers, _still_set(finalizers), age(since, clock.taken), None)
            yield replace(problem, explains=tuple(waits))


def _deletion(resource: Resource) -> tuple[datetime | None, list[str]]:
    """Return the time of the deletion request, and the finalizers that block the deletion."""
    finalizers = [f for f in resource.strings("metadata.finalizers") if f not in _BUILT_IN]
    return moment(resource.text("metadata.deletionTimestamp")), finalizers


def _problem(resource: Resource, finalizers: list[str], who: str, duration: str, severity: Severity | None) -> Problem:
    deletion = resource.text("metadata.deletionTimestamp")
    proof = Evidence.field(f"deletionTimestamp {deletion}, finalizers {', '.join(finalizers)}")
    removal = kubectl("patch", resource.ref, rest='--type=merge -p \'{"metadata":{"finalizers":[]}}\'')
    facts = {"age": duration, "who": who, "removal": removal}
    return Problem(resource.ref, facts, evidence=(proof,), field="metadata.finalizers", severity=severity)


def _hint(cluster: Cluster, resource: Resource) -> str:
    account = resource.text("spec.serviceAccountName")
    if account and cluster.look(Ref("ServiceAccount", resource.namespace, account)).absent:
        return f"ServiceAccount/{resource.namespace}/{account}, required for the cleanup, does not exist"
    warnings = [e.message for e in cluster.events(resource.ref) if e.type == "Warning"]
    if warnings:
        return f"its controller reports: {' '.join(warnings[0].split())}"
    return "its controller has not finished the cleanup"
