"""A custom resource that a health check waits for says itself why it is not Ready."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Condition, Confidence, Evidence, Failures, Problem, Ref, Resource, condition
from fluxdoctor_rules.kustomize import _said

#: Their pods tell more than their conditions do, and rules of their own read those.
_OTHERS = frozenset(("DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet", "StatefulSet"))


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Follow a health check to the objects it names, and read what their own controller says of them."""
    told: set[Ref] = set()
    for failure in failures.failed:
        for ref in _said.unready(failure):
            resource = cluster.get(ref)
            if resource is None or ref in told or ref.kind in _OTHERS or failures.of(ref):
                continue
            if said := _bad(resource):
                told.add(ref)
                yield _problem(resource, said)


def _bad(resource: Resource) -> Condition | None:
    """What kstatus reads (cli-utils 1.2): Stalled=True is a failure, Ready=False is in progress; only of this generation."""
    stalled, ready = condition(resource, "Stalled"), condition(resource, "Ready")
    seen = resource.number("status.observedGeneration") or resource.number("metadata.generation")
    if seen < resource.number("metadata.generation"):
        return None
    if stalled and stalled.status == "True":
        return stalled
    return ready if ready and ready.status == "False" and (ready.message or ready.reason) else None


def _problem(resource: Resource, said: Condition) -> Problem:
    text = " ".join(said.message.split())
    where = f"{resource.ref} condition {said.type}={said.status}"
    return Problem(
        resource.ref,
        {"reason": said.reason or said.type, "detail": f": {text}" if text else ""},
        evidence=(Evidence(f'{said.reason}: "{text}"', where),),
        confidence=Confidence.REPORTED,
    )
