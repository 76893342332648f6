"""A green object whose spec was changed, and whose controller has not looked since."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from fluxdoctor import (
    Clock,
    Cluster,
    Evidence,
    Problem,
    Resource,
    Severity,
    State,
    age,
    interval,
    moment,
    state,
    timeout,
)

_SLACK = timedelta(minutes=5)


def check(cluster: Cluster, clock: Clock) -> Iterator[Problem]:
    """Compare the generations of Ready objects; on a failing one they differ by design, and say nothing."""
    for resource in cluster.flux:
        if state(resource) is not State.READY:
            continue
        seen, now = resource.number("status.observedGeneration"), resource.number("metadata.generation")
        if not 0 < seen < now or resource.has("metadata.deletionTimestamp"):
            continue
        changed = _changed(resource)
        if changed and clock.taken - changed <= interval(resource) + timeout(resource) + _SLACK:
            continue
        when = f" {age(changed, clock.taken)} ago" if changed else ""
        proof = Evidence(f"observedGeneration {seen}, generation {now}", str(resource.ref))
        # When it was changed cannot be seen where managedFields were taken away: it may be at work on it.
        level = None if changed else Severity.INFO
        yield Problem(resource.ref, {"when": when, "behind": f"{seen} of {now}"}, (proof,), severity=level)


def _changed(resource: Resource) -> datetime | None:
    """Return when the spec was last written: the newest entry of managedFields that has fields of it."""
    rows = [
        r
        for r in resource.rows("metadata.managedFields")
        if r.has(("fieldsV1", "f:spec")) and not r.text("subresource")
    ]
    return max((at for row in rows if (at := moment(row.text("time")))), default=None)
