"""The chain from one object to each of its causes, link by link, with the proof of each link."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fluxdoctor.model import flux
from fluxdoctor.model.failures import quote
from fluxdoctor.model.finding import Evidence, Finding, Report
from fluxdoctor.model.flux import Edge, Reference
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.model.times import age

#: Edges to what an object does not wait for: it creates those objects, or they are its namespace and its CRD.
_NO_WAIT = (Edge.APPLIES, Edge.RECEIVES, Edge.EVENT_SOURCE, Edge.NAMESPACE, Edge.CRD)


@dataclass(frozen=True, slots=True)
class Relation:
    """How one object depends on the next: in words, and the field that says so ("" if no field does)."""

    words: str = ""
    field: str = ""

    def __str__(self) -> str:
        """Return the words, with the field in brackets."""
        return f"{self.words} ({self.field})" if self.field else self.words


@dataclass(frozen=True, slots=True)
class Link:
    """One object of a chain, its relation to the next one, and the proof of its state."""

    ref: Ref
    relation: Relation
    proof: tuple[Evidence, ...]

    @property
    def why(self) -> str:
        """The relation in words; "" at the end of a chain."""
        return str(self.relation)


@dataclass(frozen=True, slots=True)
class Chain:
    """The path from an object to the cause that a finding names; the first link is the object, the last one the cause."""

    finding: Finding
    links: tuple[Link, ...]


def chains(target: Ref, report: Report, snapshot: Snapshot) -> tuple[Chain, ...]:
    """Return a chain for each finding that contains the object, in the order of the report."""
    return tuple(
        Chain(finding, tuple(_links(target, finding, members, snapshot)))
        for finding in report.findings
        if target in (members := _members(finding))
    )


def _members(finding: Finding) -> set[Ref]:
    return {finding.subject, *finding.also, *finding.blocks, *(stale.ref for stale in finding.freezes)}


def _links(target: Ref, finding: Finding, members: set[Ref], snapshot: Snapshot) -> Iterator[Link]:
    ends = {finding.subject, *finding.also}
    path = _path(target, ends, members, snapshot)
    for i, (ref, _) in enumerate(path):
        relation = path[i + 1][1] if i + 1 < len(path) else Relation()
        yield Link(ref, relation, _proof(ref, finding, snapshot) if ref not in ends else finding.evidence)


def _path(target: Ref, ends: set[Ref], members: set[Ref], snapshot: Snapshot) -> list[tuple[Ref, Relation]]:
    """Return the shortest path from the target to one of the ends along what each object waits for.

    Each step has the relation that leads to it. If there is no such path, it is the target and the first end.
    """
    reached_from: dict[Ref, tuple[Ref, Relation] | None] = {target: None}
    queue = [target]
    for ref in queue:
        if ref in ends:
            break
        for other, relation in _prerequisites(ref, snapshot):
            if other in members and other not in reached_from:
                reached_from[other] = (ref, relation)
                queue.append(other)
    end = next((ref for ref in queue if ref in ends), None)
    if end is None:
        return [(target, Relation()), (min(ends), Relation("is affected by"))]
    path: list[tuple[Ref, Relation]] = []
    step: Ref | None = end
    while step:
        origin = reached_from[step]
        path.append((step, origin[1] if origin else Relation()))
        step = origin[0] if origin else None
    return path[::-1]


def _prerequisites(ref: Ref, snapshot: Snapshot) -> list[tuple[Ref, Relation]]:
    """Return what an object waits for and how: what its controller names in a message, what its spec names, what applies it."""
    failure = snapshot.failures.of(ref)
    messages = " ".join(words.message for words in failure.words) if failure else ""
    in_message: list[tuple[Ref, Relation]] = []
    in_spec: list[tuple[Ref, Relation]] = []
    for reference in snapshot.graph.needs(ref):
        target = reference.target
        if reference.edge in _NO_WAIT:
            if reference.edge is Edge.APPLIES and f"{target} status" in messages:
                in_message.append((target, Relation("waits for readiness of")))
        else:
            is_named = target.named in messages or f"'{target.name}'" in messages
            (in_message if is_named else in_spec).append((target, _relation(reference)))
    return [*in_message, *in_spec, *((parent, Relation("is applied by")) for parent in snapshot.graph.appliers(ref))]


def _relation(reference: Reference) -> Relation:
    if not reference.field:
        return Relation("is reconciled by")
    return Relation("waits for" if reference.edge is Edge.DEPENDS_ON else "reads", reference.field)


def _proof(ref: Ref, finding: Finding, snapshot: Snapshot) -> tuple[Evidence, ...]:
    failure = snapshot.failures.of(ref)
    if failure and failure.words:
        message = quote(failure.words[0], ref)
        if failure.since is None:
            return (message,)
        return message, Evidence.time(f"for {age(failure.since, snapshot.taken)}", f"{ref} lastTransitionTime")
    frozen = next((f for f in finding.freezes if f.ref == ref), None)
    if frozen:
        duration = f" for {age(frozen.since, snapshot.taken)}" if frozen.since else ""
        revision = frozen.revision or "its last revision"
        return (Evidence.field(f"Ready, but without changes{duration}: serves {revision}", f"{ref} status"),)
    resource = snapshot.cluster.get(ref)
    ready = flux.condition(resource, "Ready") if resource else None
    return (
        (Evidence.condition(f"{ready.reason}: {ready.message}", f"{ref} condition Ready={ready.status}"),)
        if ready
        else ()
    )
