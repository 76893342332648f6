"""The dependency graph as a picture: what is the cause, what waits for it, what is stale, what is well. Drawn by graph_*.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from fluxdoctor.model import flux
from fluxdoctor.model.finding import Finding, Report, Severity
from fluxdoctor.model.flux import Edge, State
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.report.plain import plain

#: From so many nodes on, what is alike is drawn as one.
LARGE = 60
#: From so many times that many on, though those of a namespace are one, those of all namespaces are.
_FAR = 4
_NEEDS = (Edge.SOURCE, Edge.CHART_REF, Edge.HELM_CHART, Edge.DEPENDS_ON, Edge.IMAGE_REPOSITORY, Edge.INCLUDE, Edge.GENERATOR,
          Edge.INPUTS, Edge.SYNC, Edge.PROVIDER)  # fmt: skip


class Mark(StrEnum):
    """What the report says of a node."""

    CAUSE = "cause"
    BLOCKED = "blocked"
    STALE = "stale"
    WAITING = "waiting"
    SUSPENDED = "suspended"
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Node:
    """An object, or several that are alike; ``note`` is the finding of a cause."""

    name: str
    kind: str
    mark: Mark
    note: str = ""
    count: int = 1

    @property
    def label(self) -> str:
        """What is written on it."""
        return f"{self.kind} {self.name}" if self.count == 1 else f"{self.count} {self.kind} in {self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Arrow:
    """From what is needed to what needs it, by their places among the nodes; ``why`` is the field or the relation."""

    source: int
    target: int
    why: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The nodes, the causes first in the order of the report, and the arrows."""

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]

    def after(self, place: int) -> tuple[Arrow, ...]:
        """Return the arrows that leave a node."""
        return tuple(a for a in self.arrows if a.source == place)


def draw(snapshot: Snapshot, report: Report, *, large: int = LARGE, namespace: str = "") -> Picture:
    """Make the picture of a fleet; above ``large`` nodes what is alike becomes one, causes never.

    ``namespace``: only what is in it, and what that needs or holds back. What is not well and under none of the report's
    findings is drawn as waiting.
    """
    marks = _marks(snapshot, report)
    if namespace:
        pairs = [(a, b) for a, b, _ in _arrows(snapshot, report, marks)]
        near = {ref for pair in pairs if any(r.namespace == namespace for r in pair) for ref in pair}
        marks = {ref: mark for ref, mark in marks.items() if ref.namespace == namespace or ref in near}
    places = {ref: i for i, ref in enumerate(marks)}
    notes = {ref: f"{f.rule}: {plain(f.message)}" for f in _told(report) for ref in (f.subject, *f.also)}
    nodes = [Node(plain(ref.named), ref.kind, mark, notes.get(ref, "")) for ref, mark in marks.items()]
    arrows = {Arrow(places[a], places[b], why) for a, b, why in _arrows(snapshot, report, marks)}
    picture = Picture(tuple(nodes), tuple(sorted(arrows)))
    for alike in ((Mark.WELL, Mark.SUSPENDED), (Mark.STALE, Mark.BLOCKED, Mark.WAITING)):
        if len(picture.nodes) > large:
            picture = _collapsed(
                picture, alike, [ref.namespace for ref in marks] if picture.nodes == tuple(nodes) else None
            )
    return _gathered(picture) if len(picture.nodes) > _FAR * large else picture


def _told(report: Report) -> Iterator[Finding]:
    return (f for f in report.findings if f.severity is not Severity.INFO)


def _marks(snapshot: Snapshot, report: Report) -> dict[Ref, Mark]:
    """Every object that is drawn: causes in the order of the report, what they hold back, then the rest of Flux."""
    marks: dict[Ref, Mark] = {}
    for finding in _told(report):
        marks |= dict.fromkeys((finding.subject, *finding.also), Mark.CAUSE)
    for finding in _told(report):
        for ref in finding.blocks:
            marks.setdefault(ref, Mark.BLOCKED)
        for frozen in finding.freezes:
            marks.setdefault(frozen.ref, Mark.STALE)
    of_state = {State.SUSPENDED: Mark.SUSPENDED, State.NEW: Mark.WAITING, State.PROGRESSING: Mark.WAITING}
    for resource in snapshot.cluster.flux:
        failing = snapshot.failures.of(resource.ref)
        usual = Mark.WAITING if failing else Mark.WELL
        marks.setdefault(resource.ref, of_state.get(flux.state(resource), usual))
    return marks


def _arrows(snapshot: Snapshot, report: Report, marks: dict[Ref, Mark]) -> Iterator[tuple[Ref, Ref, str]]:
    reached: set[Ref] = set()
    for ref in marks:
        needs = [r for r in snapshot.graph.needs(ref, *_NEEDS) if r.target in marks and r.target != ref]
        chart = any(r.edge is Edge.HELM_CHART for r in needs)
        for reference in needs:
            if not (chart and reference.edge is Edge.SOURCE):  # the HelmChart between them says it
                reached |= {ref} if marks[reference.target] is not Mark.WELL else set()
                yield reference.target, ref, reference.edge.value
        yield from _parent(ref, snapshot, marks, reached)
    for finding in _told(report):
        for ref in finding.blocks:
            if ref not in reached and ref in marks and finding.subject in marks:
                yield finding.subject, ref, "blocks"


def _parent(ref: Ref, snapshot: Snapshot, marks: dict[Ref, Mark], reached: set[Ref]) -> Iterator[tuple[Ref, Ref, str]]:
    """What an object applies; where it waits for one of those, that one comes first."""
    failure = snapshot.failures.of(ref)
    said = failure.message if failure else ""
    for reference in snapshot.graph.needs(ref, Edge.APPLIES):
        child = reference.target
        chart = ref.kind == "HelmRelease" and child.kind == "HelmChart"  # needed by the release that makes it
        if child in marks and child != ref and not chart:
            if said and f"{child} status" in said:
                reached.add(ref)
                yield child, ref, "wait"
            else:
                yield ref, child, "applies"


def _collapsed(picture: Picture, alike: Iterable[Mark], spaces: list[str] | None) -> Picture:
    """Draw as one the nodes of one kind, namespace and mark."""
    spaces = spaces or _spaces(picture)
    keys = [
        (node.kind, space, node.mark) if node.mark in alike and node.count == 1 else i
        for i, (node, space) in enumerate(zip(picture.nodes, spaces, strict=True))
    ]
    return _joined(picture, keys, lambda members: spaces[members[0]] or "the cluster")


def _gathered(picture: Picture) -> Picture:
    """Draw as one the nodes of one kind and mark, wherever they are."""
    spaces = _spaces(picture)
    keys = [i if node.mark is Mark.CAUSE else (node.kind, node.mark) for i, node in enumerate(picture.nodes)]
    return _joined(picture, keys, lambda members: f"{len({spaces[i] for i in members})} namespaces")


def _spaces(picture: Picture) -> list[str]:
    return [n.name.partition("/")[0] for n in picture.nodes]


def _joined(picture: Picture, keys: Iterable[object], name: Callable[[list[int]], str]) -> Picture:
    """Draw as one the nodes of one key, where the first of them is."""
    groups: dict[object, list[int]] = {}
    for i, key in enumerate(keys):
        groups.setdefault(key, []).append(i)
    nodes, moved = [], [0] * len(picture.nodes)
    for place, members in enumerate(groups.values()):
        first = picture.nodes[members[0]]
        count = sum(picture.nodes[i].count for i in members)
        nodes.append(first if len(members) == 1 else replace(first, name=name(members), count=count))
        for i in members:
            moved[i] = place
    arrows = {Arrow(moved[a.source], moved[a.target], a.why) for a in picture.arrows}
    return Picture(tuple(nodes), tuple(sorted(a for a in arrows if a.source != a.target)))
