"""From one object to its causes, link by link, with the proof at each link."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fluxdoctor.model import flux
from fluxdoctor.model.failures import said
from fluxdoctor.model.finding import Evidence, Finding, Report
from fluxdoctor.model.flux import Edge
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.model.times import age

#: What an object does not wait for: it brings these about, or they are where it lives.
_NOT = (Edge.APPLIES, Edge.RECEIVES, Edge.EVENT_SOURCE, Edge.NAMESPACE, Edge.CRD)


@dataclass(frozen=True, slots=True)
class Link:
    """One object of a chain, the relation to the next one ("" at the end) and the proof of what it says."""

    ref: Ref
    why: str
    proof: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """The way from an object to the cause that a finding names; ``links`` begins with the object, ends with the cause."""

    finding: Finding
    links: tuple[Link, ...]


def chains(target: Ref, report: Report, snapshot: Snapshot) -> tuple[Chain, ...]:
    """Return a chain for each finding that the object is in, in the order of the report."""
    found = []
    for finding in report.findings:
        inside = {finding.subject, *finding.also, *finding.blocks, *(f.ref for f in finding.freezes)}
        if target in inside:
            found.append(Chain(finding, tuple(_links(target, finding, inside, snapshot))))
    return tuple(found)


def _links(target: Ref, finding: Finding, inside: set[Ref], snapshot: Snapshot) -> Iterator[Link]:
    ends = {finding.subject, *finding.also}
    path = _path(target, ends, inside, snapshot)
    for i, (ref, _) in enumerate(path):
        why = path[i + 1][1] if i + 1 < len(path) else ""
        yield Link(ref, why, _proof(ref, finding, snapshot) if ref not in ends else finding.evidence)


def _path(target: Ref, ends: set[Ref], inside: set[Ref], snapshot: Snapshot) -> list[tuple[Ref, str]]:
    """The shortest way by what each object waits for, with the relation that leads to each; straight where none is known."""
    came: dict[Ref, tuple[Ref, str] | None] = {target: None}
    todo = [target]
    for ref in todo:
        if ref in ends:
            break
        for other, why in _waits(ref, snapshot):
            if other in inside and other not in came:
                came[other] = (ref, why)
                todo.append(other)
    reached = next((ref for ref in todo if ref in ends), None)
    if reached is None:
        return [(target, ""), (min(ends), "because of")]
    path: list[tuple[Ref, str]] = []
    step: tuple[Ref, str] | None = (reached, "")
    while step:
        before = came[step[0]]
        path.append((step[0], before[1] if before else ""))
        step = (before[0], "") if before else None
    return path[::-1]


def _waits(ref: Ref, snapshot: Snapshot) -> list[tuple[Ref, str]]:
    """What an object waits for: first what its controller names, then what its spec names, then what applies it."""
    failure = snapshot.failures.of(ref)
    words = " ".join(w.message for w in failure.words) if failure else ""
    named: list[tuple[Ref, str]] = []
    others: list[tuple[Ref, str]] = []
    for reference in snapshot.graph.needs(ref):
        target = reference.target
        told = target.named in words or f"'{target.name}'" in words
        if reference.edge in _NOT:
            if reference.edge is Edge.APPLIES and f"{target} status" in words:
                named.append((target, "waits until this is ready"))
        else:
            verb = "waits for" if reference.edge is Edge.DEPENDS_ON else "reads" if reference.field else "is run by"
            field = f" ({reference.field})" if reference.field else ""
            (named if told else others).append((target, f"{verb}{field}"))
    above = [(parent, "is applied by") for parent in snapshot.graph.appliers(ref)]
    return [*named, *others, *above]


def _proof(ref: Ref, finding: Finding, snapshot: Snapshot) -> tuple[Evidence, ...]:
    failure = snapshot.failures.of(ref)
    if failure and failure.words:
        since = f"since {age(failure.since, snapshot.taken)}" if failure.since else ""
        return (said(failure.words[0], ref), *((Evidence(since, f"{ref} lastTransitionTime"),) if since else ()))
    frozen = next((f for f in finding.freezes if f.ref == ref), None)
    if frozen:
        since = f" since {age(frozen.since, snapshot.taken)}" if frozen.since else ""
        return (
            Evidence(f"Ready, and without changes{since}: serves {frozen.revision or 'what it had'}", f"{ref} status"),
        )
    resource = snapshot.cluster.get(ref)
    ready = flux.condition(resource, "Ready") if resource else None
    return (Evidence(f"{ready.reason}: {ready.message}", f"{ref} condition Ready={ready.status}"),) if ready else ()
