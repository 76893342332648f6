"""The values of a release have changed in a ConfigMap, and helm-controller has not looked yet."""

from collections.abc import Iterator
from datetime import datetime

from fluxdoctor import Clock, Cluster, Evidence, Problem, Ref, Resource, Severity, age, interval, moment
from fluxdoctor_rules.flux import _values
from fluxdoctor_rules.helm._releases import active, is_settled

_WATCH = "reconcile.fluxcd.io/watch"
_FLAG = "--watch-configs-label-selector"


def check(cluster: Cluster, clock: Clock) -> Iterator[Problem]:
    """Compare the digest of the values that are meant now with that of the last attempt (helm-controller 1.6)."""
    if _watches_more(cluster):
        return
    for release in active(cluster):
        same_spec = release.number("metadata.generation") == release.number("status.lastAttemptedGeneration")
        rows = [r for r in release.rows("spec.valuesFrom") if r.text("kind") == "ConfigMap"]
        if not (rows and same_spec and is_settled(release)):
            continue
        now, last = _values.digest(release, cluster), release.text("status.lastAttemptedConfigDigest")
        if now and last and now != last:
            found = [cluster.get(Ref("ConfigMap", release.namespace, r.text("name"))) for r in rows]
            unwatched = [c for c in found if c and c.label(_WATCH) != "Enabled"]
            if unwatched:
                yield _problem(release, unwatched, clock)


def _watches_more(cluster: Cluster) -> bool:
    """A controller with a selector of its own watches what cannot be told from here."""
    rows = (r for d in cluster.controllers("helm-controller") for r in d.rows("spec.template.spec.containers"))
    return any(argument.startswith(_FLAG) for row in rows for argument in row.strings("args"))


def _written(source: Resource) -> datetime | None:
    times = [moment(r.text("time")) for r in source.rows("metadata.managedFields") if r.has("fieldsV1.f:data")]
    return max((t for t in times if t), default=None)


def _problem(release: Resource, sources: list[Resource], clock: Clock) -> Problem:
    times = {source.ref: _written(source) for source in sources}
    newest = max(sources, key=lambda s: (str(times[s.ref] or ""), str(s.ref)))
    at = times[newest.ref]
    waits = interval(release)
    facts = {
        "source": str(newest.ref),
        "when": f" {age(at, clock.taken)} ago" if at else "",
        "interval": release.text("spec.interval", "10m"),
        "name": release.name,
        "namespace": release.namespace,
    }
    proof = Evidence("its values have another digest than status.lastAttemptedConfigDigest", str(release.ref))
    long = at is not None and clock.taken - at > waits
    return Problem(
        release.ref, facts, evidence=(proof,), field="spec.valuesFrom", severity=Severity.WARNING if long else None
    )
