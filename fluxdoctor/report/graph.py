"""The dependency graph as a picture: root causes, what they block, what is stale, what is healthy. ``graph_*.py`` draw it."""

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

#: Above this number of nodes, similar nodes of a namespace are drawn as one.
LARGE = 60
#: Above this multiple of it, even after that, similar nodes of all namespaces are drawn as one.
_MERGE_NAMESPACES = 4
#: The relations from an object to what it needs.
_NEEDS = (Edge.SOURCE, Edge.CHART_REF, Edge.HELM_CHART, Edge.DEPENDS_ON, Edge.IMAGE_REPOSITORY, Edge.INCLUDE, Edge.GENERATOR,
          Edge.INPUTS, Edge.SYNC, Edge.PROVIDER)  # fmt: skip


class Mark(StrEnum):
    """The state of a node according to the report."""

    CAUSE = "cause"
    BLOCKED = "blocked"
    STALE = "stale"
    WAITING = "waiting"
    SUSPENDED = "suspended"
    HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class Node:
    """An object, or ``count`` similar ones; ``rule`` and ``message`` are the finding of a cause."""

    name: str
    kind: str
    mark: Mark
    rule: str = ""
    message: str = ""
    count: int = 1

    @property
    def note(self) -> str:
        """The finding of a cause in one line; "" for other nodes."""
        return f"{self.rule}: {self.message}" if self.rule else ""

    @property
    def label(self) -> str:
        """The text on the node."""
        return f"{self.kind}/{self.name}" if self.count == 1 else f"{self.count} {self.kind} in {self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Arrow:
    """From an object to one that needs it, by their indexes in the nodes; ``why`` is the field or the relation."""

    source: int
    target: int
    why: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The nodes and the arrows. Root causes are the first nodes, in the order of the report."""

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]

    def after(self, place: int) -> tuple[Arrow, ...]:
        """Return the arrows that leave a node."""
        return tuple(a for a in self.arrows if a.source == place)


def draw(snapshot: Snapshot, report: Report, *, large: int = LARGE, namespace: str = "") -> Picture:
    """Return the picture of a fleet. Above ``large`` nodes, similar nodes become one; root causes never do.

    ``namespace``: draw only its objects, what they need and what they block. Objects that are not ready, but not affected
    by any finding, are drawn as waiting.
    """
    marks = _marks(snapshot, report)
    if namespace:
        pairs = [(a, b) for a, b, _ in _arrows(snapshot, report, marks)]
        neighbors = {ref for pair in pairs if any(r.namespace == namespace for r in pair) for ref in pair}
        marks = {ref: mark for ref, mark in marks.items() if ref.namespace == namespace or ref in neighbors}
    places = {ref: i for i, ref in enumerate(marks)}
    findings = {ref: (f.rule, plain(f.message)) for f in _drawn_findings(report) for ref in (f.subject, *f.also)}
    nodes = [Node(plain(ref.named), ref.kind, mark, *findings.get(ref, ("", ""))) for ref, mark in marks.items()]
    arrows = {Arrow(places[a], places[b], why) for a, b, why in _arrows(snapshot, report, marks)}
    picture = Picture(tuple(nodes), tuple(sorted(arrows)))
    for similar in ((Mark.HEALTHY, Mark.SUSPENDED), (Mark.STALE, Mark.BLOCKED, Mark.WAITING)):
        if len(picture.nodes) > large:
            picture = _merge_in_namespaces(
                picture, similar, [ref.namespace for ref in marks] if picture.nodes == tuple(nodes) else None
            )
    return _merge_all(picture) if len(picture.nodes) > _MERGE_NAMESPACES * large else picture


def _drawn_findings(report: Report) -> Iterator[Finding]:
    """Return the findings that are drawn: errors and warnings."""
    return (f for f in report.findings if f.severity is not Severity.INFO)


def _marks(snapshot: Snapshot, report: Report) -> dict[Ref, Mark]:
    """Return the marks of all objects to draw: root causes as the report sorts them, what they affect, other Flux objects."""
    marks: dict[Ref, Mark] = {}
    for finding in _drawn_findings(report):
        marks |= dict.fromkeys((finding.subject, *finding.also), Mark.CAUSE)
    for finding in _drawn_findings(report):
        for ref in finding.blocks:
            marks.setdefault(ref, Mark.BLOCKED)
        for frozen in finding.freezes:
            marks.setdefault(frozen.ref, Mark.STALE)
    of_state = {State.SUSPENDED: Mark.SUSPENDED, State.NEW: Mark.WAITING, State.PROGRESSING: Mark.WAITING}
    for resource in snapshot.cluster.flux:
        failing = snapshot.failures.of(resource.ref)
        default = Mark.WAITING if failing else Mark.HEALTHY
        marks.setdefault(resource.ref, of_state.get(flux.state(resource), default))
    return marks


def _arrows(snapshot: Snapshot, report: Report, marks: dict[Ref, Mark]) -> Iterator[tuple[Ref, Ref, str]]:
    """Yield the arrows between objects that are drawn; a blocked object without an arrow gets one from its root cause."""
    reached: set[Ref] = set()
    for ref in marks:
        needs = [r for r in snapshot.graph.needs(ref, *_NEEDS) if r.target in marks and r.target != ref]
        has_chart = any(r.edge is Edge.HELM_CHART for r in needs)
        for reference in needs:
            if not (has_chart and reference.edge is Edge.SOURCE):  # the HelmChart between them has that arrow
                reached |= {ref} if marks[reference.target] is not Mark.HEALTHY else set()
                yield reference.target, ref, reference.edge.value
        yield from _parent(ref, snapshot, marks, reached)
    for finding in _drawn_findings(report):
        for ref in finding.blocks:
            if ref not in reached and ref in marks and finding.subject in marks:
                yield finding.subject, ref, "blocks"


def _parent(ref: Ref, snapshot: Snapshot, marks: dict[Ref, Mark], reached: set[Ref]) -> Iterator[tuple[Ref, Ref, str]]:
    """Yield the arrows to what an object applies; if it waits for one of those objects, the arrow is reversed."""
    failure = snapshot.failures.of(ref)
    message = failure.message if failure else ""
    for reference in snapshot.graph.needs(ref, Edge.APPLIES):
        child = reference.target
        is_chart = ref.kind == "HelmRelease" and child.kind == "HelmChart"  # the release creates and needs it
        if child in marks and child != ref and not is_chart:
            if message and f"{child} status" in message:
                reached.add(ref)
                yield child, ref, "wait"
            else:
                yield ref, child, "applies"


def _merge_in_namespaces(picture: Picture, similar: Iterable[Mark], namespaces: list[str] | None) -> Picture:
    """Merge the nodes of one kind, namespace and mark, if the mark is in ``similar``."""
    namespaces = namespaces or _namespaces(picture)
    keys = [
        (node.kind, namespace, node.mark) if node.mark in similar and node.count == 1 else i
        for i, (node, namespace) in enumerate(zip(picture.nodes, namespaces, strict=True))
    ]
    return _merge(picture, keys, lambda members: namespaces[members[0]] or "the cluster")


def _merge_all(picture: Picture) -> Picture:
    """Merge the nodes of one kind and mark across namespaces, except root causes."""
    namespaces = _namespaces(picture)
    keys = [i if node.mark is Mark.CAUSE else (node.kind, node.mark) for i, node in enumerate(picture.nodes)]
    return _merge(picture, keys, lambda members: f"{len({namespaces[i] for i in members})} namespaces")


def _namespaces(picture: Picture) -> list[str]:
    """Return the namespace of each node, read from its name."""
    return [n.name.partition("/")[0] for n in picture.nodes]


def _merge(picture: Picture, keys: Iterable[object], name: Callable[[list[int]], str]) -> Picture:
    """Merge the nodes of one key into one at the index of the first; ``name`` gets the indexes of the members."""
    groups: dict[object, list[int]] = {}
    for i, key in enumerate(keys):
        groups.setdefault(key, []).append(i)
    nodes, places = [], [0] * len(picture.nodes)
    for place, members in enumerate(groups.values()):
        first = picture.nodes[members[0]]
        count = sum(picture.nodes[i].count for i in members)
        nodes.append(first if len(members) == 1 else replace(first, name=name(members), count=count))
        for i in members:
            places[i] = place
    arrows = {Arrow(places[a.source], places[a.target], a.why) for a in picture.arrows}
    return Picture(tuple(nodes), tuple(sorted(a for a in arrows if a.source != a.target)))
