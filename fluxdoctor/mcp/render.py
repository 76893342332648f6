"""Reports, objects, events and graphs in the words of the answers: cluster text quoted, long lists cut and counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from fluxdoctor.collect.kube.write import REASON
from fluxdoctor.mcp.answers import Cause, EventRow, ObjectState, Thing
from fluxdoctor.mcp.quote import name, quoted, ref
from fluxdoctor.mcp.sessions import CachedDiagnosis
from fluxdoctor.model import flux
from fluxdoctor.model.chain import Chain, Relation
from fluxdoctor.model.finding import Finding, Report
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.model.snapshot import Snapshot

_FEW = 5
_FIELD = re.compile(r"[A-Za-z0-9._\[\]/-]{1,200}")
_ORDER = (flux.State.FAILED, flux.State.PROGRESSING, flux.State.NEW, flux.State.SUSPENDED, flux.State.READY)


def thing(one: Ref) -> Thing:
    """Return an object's identity."""
    return Thing(kind=name(one.kind), namespace=name(one.namespace), name=name(one.name))


def cause(finding: Finding) -> Cause:
    """Return a finding as an answer tells it."""
    return Cause(
        rule=finding.rule, severity=finding.severity.value, confidence=finding.confidence.value,
        subject=thing(finding.subject), also=[ref(r) for r in finding.also[:_FEW]],
        message=quoted(finding.message), fix=quoted(finding.fix), field=field(finding.field),
        evidence=[quoted(f"{e.what} ({e.where})" if e.where else e.what, 240) for e in finding.evidence[:3]],
        location=quoted(str(finding.location), 200) if finding.location else "",
        blocked=len(finding.blocks), blocks=[ref(r) for r in finding.blocks[:_FEW]], stale=len(finding.freezes),
        fingerprint=finding.fingerprint,
    )  # fmt: skip


def field(path: str) -> str:
    """Return the path of a field: as it is where it is made of what those are made of, else as a quotation."""
    return path if not path or _FIELD.fullmatch(path) else quoted(path, 200)


def about(diagnosis: CachedDiagnosis) -> dict[str, Any]:
    """Return what every page says about its diagnosis."""
    gaps = unseen(diagnosis.report)
    return {
        "source": quoted(diagnosis.report.name, 120), "age_seconds": diagnosis.age,
        "not_seen": gaps[:_FEW], "not_seen_total": len(gaps),
    }  # fmt: skip


def unseen(report: Report) -> list[str]:
    """Return what was asked for and could not be seen, each once."""
    rows = (f"{s.rule or 'reading'}: {quoted(s.why, 200)}" for s in report.skipped if s.asked)
    return list(dict.fromkeys(rows))


def chain(one: Chain) -> str:
    """Return the way from an object to its cause, in a line."""
    steps = [f"{ref(link.ref)} --{_relation(link.relation)}-->" if link.why else ref(link.ref) for link in one.links]
    return f"{' '.join(steps)}: {one.finding.rule}"


def _relation(relation: Relation) -> str:
    """Return a relation; its field may hold a key that somebody chose."""
    return f"{relation.words} ({field(relation.field)})" if relation.field else relation.words


def states(snapshot: Snapshot, kinds: Iterable[str], namespace: str) -> list[ObjectState]:
    """Return the objects of these kinds, those that fail first."""
    resources = [r for r in snapshot.cluster.all(*kinds) if not namespace or r.namespace == namespace]
    ranks = {state: i for i, state in enumerate(_ORDER)}
    resources.sort(key=lambda r: (ranks.get(flux.state(r), len(ranks)), r.ref))
    return [state(r) for r in resources]


def state(resource: Resource) -> ObjectState:
    """Return one object in short."""
    ready = flux.condition(resource, "Ready")
    sources = (r.target for r in flux.references(resource) if r.edge in (flux.Edge.SOURCE, flux.Edge.CHART_REF))
    source = next(sources, None)
    return ObjectState(
        kind=name(resource.kind), namespace=name(resource.namespace), name=name(resource.name),
        state=flux.state(resource).value, revision=quoted(flux.short(flux.revision(resource)), 100),
        since=_time(ready.since) if ready else "", reason=name(ready.reason) if ready else "",
        message=quoted(ready.message, 200) if ready else "", source=ref(source) if source else "",
        suspended_by=quoted(resource.annotation(REASON), 200) if resource.flag("spec.suspend") else "",
    )  # fmt: skip


def counts(rows: Iterable[ObjectState]) -> dict[str, int]:
    """Return the number of objects by state."""
    return dict(sorted(Counter(row.state for row in rows).items()))


def events(snapshot: Snapshot, namespace: str) -> list[EventRow]:
    """Return the events, newest first."""
    rows = sorted(_events(snapshot, namespace), key=lambda pair: pair[0], reverse=True)
    return [row for _, row in rows]


def _events(snapshot: Snapshot, namespace: str) -> Iterator[tuple[tuple[float, str], EventRow]]:
    for of in snapshot.cluster.event_refs:
        if namespace and of.namespace != namespace:
            continue
        for event in snapshot.cluster.events(of):
            row = EventRow(
                object=ref(of), type=name(event.type), reason=name(event.reason), message=quoted(event.message, 300),
                at=_time(event.at), count=event.count,
            )  # fmt: skip
            yield (event.at.timestamp() if event.at else 0.0, row.object), row


def _time(at: datetime | None) -> str:
    return at.isoformat().replace("+00:00", "Z") if at else ""
