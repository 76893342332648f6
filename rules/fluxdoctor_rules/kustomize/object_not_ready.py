"""A custom resource of a health check reports why it is not Ready."""

from collections.abc import Iterator

from fluxdoctor import (
    Cluster,
    Condition,
    Confidence,
    Evidence,
    Failures,
    Problem,
    Ref,
    Resource,
    condition,
)
from fluxdoctor_rules.kustomize import _apply_errors

#: Their Pods have more details than their conditions; other rules report those.
_WORKLOADS = frozenset(("DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet", "StatefulSet"))


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Report the conditions of the objects that a health check lists."""
    reported: set[Ref] = set()
    for failure in failures.failed:
        for ref in _apply_errors.unready(failure):
            resource = cluster.get(ref)
            if resource is None or ref in reported or ref.kind in _WORKLOADS or failures.of(ref):
                continue
            if failing := _failing(resource):
                reported.add(ref)
                yield _problem(resource, failing)


def _failing(resource: Resource) -> Condition | None:
    """Return the condition that keeps an object from being ready, if it is of the current generation.

    kstatus (cli-utils 1.2) reads Stalled=True as a failure, and Ready=False as in progress.
    """
    stalled, ready = condition(resource, "Stalled"), condition(resource, "Ready")
    observed = resource.number("status.observedGeneration") or resource.number("metadata.generation")
    if observed < resource.number("metadata.generation"):
        return None
    if stalled and stalled.status == "True":
        return stalled
    return ready if ready and ready.status == "False" and (ready.message or ready.reason) else None


def _problem(resource: Resource, failing: Condition) -> Problem:
    text = " ".join(failing.message.split())
    where = f"{resource.ref} condition {failing.type}={failing.status}"
    return Problem(
        resource.ref,
        {"reason": failing.reason or failing.type, "detail": f": {text}" if text else ""},
        evidence=(Evidence.field(f'{failing.reason}: "{text}"', where),),
        confidence=Confidence.REPORTED,
    )
