"""The values of a release changed in a ConfigMap, and helm-controller has not read them yet."""

from collections.abc import Iterator
from datetime import datetime

from fluxdoctor import Clock, Cluster, Evidence, Problem, Ref, Resource, Severity, age, interval, moment
from fluxdoctor_rules.helm._releases import is_settled
from fluxdoctor_rules.shared import helm_values

_WATCH = "reconcile.fluxcd.io/watch"
_FLAG = "--watch-configs-label-selector"


def check(cluster: Cluster, clock: Clock) -> Iterator[Problem]:
    """Compare the digest of the current values with that of the last attempt (helm-controller 1.6)."""
    if _has_own_selector(cluster):
        return
    for release in cluster.active("HelmRelease"):
        same_spec = release.number("metadata.generation") == release.number("status.lastAttemptedGeneration")
        rows = [r for r in release.rows("spec.valuesFrom") if r.text("kind") == "ConfigMap"]
        if not (rows and same_spec and is_settled(release)):
            continue
        current, last = helm_values.digest(release, cluster), release.text("status.lastAttemptedConfigDigest")
        if current and last and current != last:
            sources = [cluster.get(Ref("ConfigMap", release.namespace, r.text("name"))) for r in rows]
            unwatched = [c for c in sources if c and c.label(_WATCH) != "Enabled"]
            if unwatched:
                yield _problem(release, unwatched, clock)


def _has_own_selector(cluster: Cluster) -> bool:
    """Tell whether helm-controller has a selector of its own, so that the watched objects are unknown."""
    rows = (r for d in cluster.controllers("helm-controller") for r in d.rows("spec.template.spec.containers"))
    return any(argument.startswith(_FLAG) for row in rows for argument in row.strings("args"))


def _last_change(source: Resource) -> datetime | None:
    """Return the time of the last change of the data, from managedFields."""
    times = [moment(r.text("time")) for r in source.rows("metadata.managedFields") if r.has("fieldsV1.f:data")]
    return max((t for t in times if t), default=None)


def _problem(release: Resource, sources: list[Resource], clock: Clock) -> Problem:
    times = {source.ref: _last_change(source) for source in sources}
    newest = max(sources, key=lambda s: (str(times[s.ref] or ""), str(s.ref)))
    time = times[newest.ref]
    facts = {
        "source": str(newest.ref),
        "when": f" {age(time, clock.taken)} ago" if time else "",
        "interval": release.text("spec.interval", "10m"),
    }
    proof = Evidence.field("the digest of its values differs from status.lastAttemptedConfigDigest", str(release.ref))
    is_overdue = time is not None and clock.taken - time > interval(release)
    return Problem(
        release.ref,
        facts,
        evidence=(proof,),
        field="spec.valuesFrom",
        severity=Severity.WARNING if is_overdue else None,
    )
