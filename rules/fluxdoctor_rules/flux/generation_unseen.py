"""A Ready object whose spec was changed, and whose controller has not reconciled the change."""

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
    is_terminating,
    moment,
    state,
    timeout,
)

_SLACK = timedelta(minutes=5)


def check(cluster: Cluster, clock: Clock) -> Iterator[Problem]:
    """Compare the generations of Ready objects. On a failing object they differ by design and prove nothing."""
    for resource in cluster.flux:
        if state(resource) is not State.READY:
            continue
        observed, latest = resource.number("status.observedGeneration"), resource.number("metadata.generation")
        if not 0 < observed < latest or is_terminating(resource):
            continue
        changed_at = _changed_at(resource)
        if changed_at and clock.taken - changed_at <= interval(resource) + timeout(resource) + _SLACK:
            continue
        when = f" {age(changed_at, clock.taken)} ago" if changed_at else ""
        proof = Evidence.field(f"observedGeneration {observed}, generation {latest}", str(resource.ref))
        # Without managedFields the time of the change is unknown: the controller may be reconciling it right now.
        level = None if changed_at else Severity.INFO
        yield Problem(resource.ref, {"when": when, "behind": f"{observed} of {latest}"}, (proof,), severity=level)


def _changed_at(resource: Resource) -> datetime | None:
    """Return when the spec was last written: the newest entry of managedFields that has fields of the spec."""
    rows = [
        r
        for r in resource.rows("metadata.managedFields")
        if r.has(("fieldsV1", "f:spec")) and not r.text("subresource")
    ]
    return max((at for row in rows if (at := moment(row.text("time")))), default=None)
