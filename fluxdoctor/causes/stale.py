"""Silent effects: what is Ready, and gets no changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from fluxdoctor.model import flux
from fluxdoctor.model.finding import Frozen
from fluxdoctor.model.flux import Edge, State
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot

_CONSUMES = (Edge.SOURCE, Edge.CHART_REF, Edge.HELM_CHART, Edge.IMAGE_REPOSITORY, Edge.INCLUDE)
#: A Kustomization that fails with one of these applied nothing; the others come after the apply (kustomize-controller 1.9).
_NOT_APPLIED = frozenset(("ArtifactFailed", "BuildFailed", "DependencyNotReady", "ReconciliationFailed"))


def frozen(subjects: Iterable[Ref], held: frozenset[Ref], snapshot: Snapshot) -> tuple[Frozen, ...]:
    """Return what serves an old revision: what a rule says waits, readers of a failing source, children of a failing parent.

    A failing source keeps its artifact, and its readers stay Ready at it; what a Kustomization applied stays as it was while
    its build, its dependencies or its apply fail. ``since`` is when that source or parent began to fail.
    """
    green: dict[Ref, datetime | None] = {ref: None for ref in sorted(held) if is_ready(ref, snapshot)}
    for ref in subjects:
        if ref.kind in flux.SOURCES and _keeps_still(ref, snapshot):
            _readers(ref, _since(ref, snapshot), green, held, snapshot)
    for ref in sorted({*subjects, *held}):
        if _applies_nothing(ref, snapshot):
            for edge in snapshot.graph.needs(ref, Edge.APPLIES):
                if edge.target not in green and is_ready(edge.target, snapshot):
                    green[edge.target] = _since(ref, snapshot)
    return tuple(Frozen(ref, _revision(ref, snapshot), green[ref]) for ref in sorted(green) if ref not in set(subjects))


def _readers(
    source: Ref, since: datetime | None, green: dict[Ref, datetime | None], held: frozenset[Ref], snapshot: Snapshot
) -> None:
    todo = [source]
    while todo:
        for ref, _ in snapshot.graph.needed_by(todo.pop(), *_CONSUMES):
            if ref not in held and is_ready(ref, snapshot) and ref not in green:
                green[ref] = since
                todo.append(ref)


def _keeps_still(source: Ref, snapshot: Snapshot) -> bool:
    resource = snapshot.cluster.get(source)
    return resource is not None and flux.state(resource) in (State.FAILED, State.SUSPENDED)


def _applies_nothing(ref: Ref, snapshot: Snapshot) -> bool:
    failure = snapshot.failures.of(ref) if ref.kind == "Kustomization" else None
    if failure is None or failure.state is not State.FAILED:
        return False
    ready = flux.condition(failure.resource, "Ready")
    return ready is not None and ready.reason in _NOT_APPLIED


def _since(ref: Ref, snapshot: Snapshot) -> datetime | None:
    failure = snapshot.failures.of(ref)
    return failure.since if failure else None


def _revision(ref: Ref, snapshot: Snapshot) -> str:
    resource = snapshot.cluster.get(ref)
    return flux.short(flux.revision(resource)) if resource else ""


def is_ready(ref: Ref, snapshot: Snapshot) -> bool:
    """Tell whether a Flux object says that it is Ready."""
    resource = snapshot.cluster.get(ref)
    return resource is not None and resource.kind in flux.KINDS and flux.state(resource) is State.READY
