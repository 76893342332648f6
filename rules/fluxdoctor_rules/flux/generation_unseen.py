"""A green object whose spec was changed, and whose controller has not looked since."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from fluxdoctor import Clock, Cluster, Evidence, Problem, Resource, State, age, interval, moment, state, timeout

_SLACK = timedelta(minutes=5)


def check(cluster: Cluster, clock: Clock) -> Iterator[Problem]:
    """Compare the generations of Ready objects; on a failing one they differ by design, and say nothing."""
    for resource in cluster.flux:
        seen, now = resource.number("status.observedGeneration"), resource.number("metadata.generation")
        if state(resource) is not State.READY or not 0 < seen < now or resource.has("metadata.deletionTimestamp"):
            continue
        changed = _changed(resource)
        if changed and clock.taken - changed > interval(resource) + timeout(resource) + _SLACK:
            facts = {"age": age(changed, clock.taken), "behind": f"{seen} of {now}"}
            proof = Evidence(f"observedGeneration {seen}, generation {now}", str(resource.ref))
            yield Problem(resource.ref, facts, (proof,))


def _changed(resource: Resource) -> datetime | None:
    """Return when the spec was last written: the newest entry of managedFields that has fields of it."""
    rows = [
        r
        for r in resource.rows("metadata.managedFields")
        if r.has(("fieldsV1", "f:spec")) and not r.text("subresource")
    ]
    return max((at for row in rows if (at := moment(row.text("time")))), default=None)
