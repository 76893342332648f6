"""Silent effects: what is Ready, and gets no changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fluxdoctor.model import flux
from fluxdoctor.model.finding import Frozen
from fluxdoctor.model.flux import Edge, State
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot

_CONSUMES = (Edge.SOURCE, Edge.CHART_REF, Edge.HELM_CHART, Edge.IMAGE_REPOSITORY, Edge.INCLUDE,
             Edge.GENERATOR)  # fmt: skip
_KEEPS = (*flux.SOURCES, "ArtifactGenerator")
#: A Kustomization that fails with one of these applied nothing; the others come after the apply (kustomize-controller 1.9).
_NOT_APPLIED = frozenset(("ArtifactFailed", "BuildFailed", "DependencyNotReady", "ReconciliationFailed"))


def frozen(subjects: Sequence[Ref], held: frozenset[Ref], snapshot: Snapshot) -> tuple[Frozen, ...]:
    """Return what serves an old revision: what a rule says waits, readers of a failing source, children of a failing parent.

    A failing source keeps its artifact, and its readers stay Ready at it; what a Kustomization applied stays as it was while
    its build, its dependencies or its apply fail. ``since`` is when that source or parent began to fail.
    """
    ready, failing = snapshot.failures.ready, snapshot.failures
    green: dict[Ref, datetime | None] = dict.fromkeys(held & ready)
    stopped = {*subjects, *held}
    # A source that is itself held back keeps its readers still as well.
    for ref in sorted(r for r in stopped if r.kind in _KEEPS):
        if _keeps_still(ref, snapshot):
            _readers(ref, _since(ref, snapshot), green, snapshot)
    families = snapshot.graph.families
    for ref in families.keys() & stopped:
        failure = failing.of(ref) if ref.kind == "Kustomization" else None
        if failure and failure.words and failure.words[0].reason in _NOT_APPLIED and failure.state is State.FAILED:
            for child in families[ref]:
                if child in ready:
                    _put(child, failure.since, green)
    named = set(subjects)
    return tuple(Frozen(ref, _revision(ref, snapshot), green[ref]) for ref in sorted(green) if ref not in named)


def _put(ref: Ref, since: datetime | None, green: dict[Ref, datetime | None]) -> None:
    """Where two things keep an object back, it is so since the first of them."""
    before = green.get(ref)
    green[ref] = min(before, since) if before and since else before or since


def _readers(source: Ref, since: datetime | None, green: dict[Ref, datetime | None], snapshot: Snapshot) -> None:
    todo, seen = [source], {source}
    while todo:
        for ref, _ in snapshot.graph.needed_by(todo.pop(), *_CONSUMES):
            if ref in snapshot.failures.ready and ref not in seen:
                seen.add(ref)
                _put(ref, since, green)
                todo.append(ref)


def _keeps_still(source: Ref, snapshot: Snapshot) -> bool:
    resource = snapshot.cluster.get(source)
    return resource is not None and flux.state(resource) in (State.FAILED, State.SUSPENDED)


def _since(ref: Ref, snapshot: Snapshot) -> datetime | None:
    failure = snapshot.failures.of(ref)
    return failure.since if failure else None


def _revision(ref: Ref, snapshot: Snapshot) -> str:
    resource = snapshot.cluster.get(ref)
    return flux.short(flux.revision(resource)) if resource else ""
