"""Find the silent consequences of a cause: objects that are Ready and get no changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fluxdoctor.model import flux
from fluxdoctor.model.finding import Frozen
from fluxdoctor.model.flux import Edge, State
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot

#: When an object reads the artifact of another one.
_READS = (Edge.SOURCE, Edge.CHART_REF, Edge.HELM_CHART, Edge.IMAGE_REPOSITORY, Edge.INCLUDE, Edge.GENERATOR)
#: Kinds that keep their last artifact while they fail.
_KEEP_ARTIFACT = (*flux.SOURCES, "ArtifactGenerator")
#: A Kustomization that fails with one of these applied nothing; the others come after the apply (kustomize-controller 1.9).
_NOT_APPLIED = frozenset(("ArtifactFailed", "BuildFailed", "DependencyNotReady", "ReconciliationFailed"))


def stale_objects(subjects: Sequence[Ref], blocked: frozenset[Ref], snapshot: Snapshot) -> tuple[Frozen, ...]:
    """Return the Ready objects that serve an old revision because of a cause, sorted.

    These are the blocked objects that are still Ready, the readers of a failing source, and the children of a failing
    Kustomization: a failing source keeps its artifact, and its readers stay Ready at it; what a Kustomization applied stays as
    it is while its build, its dependencies or its apply fail. ``since`` is when that source or Kustomization began to fail.
    """
    ready = snapshot.failures.ready
    stale: dict[Ref, datetime | None] = dict.fromkeys(blocked & ready)
    affected = {*subjects, *blocked}
    # A source that is itself blocked does not serve new revisions to its readers either.
    for ref in sorted(r for r in affected if r.kind in _KEEP_ARTIFACT):
        if _is_stopped(ref, snapshot):
            _add_readers(ref, _failing_since(ref, snapshot), stale, snapshot)
    children_of = snapshot.graph.children
    for ref in children_of.keys() & affected:
        failure = snapshot.failures.of(ref) if ref.kind == "Kustomization" else None
        if failure and failure.words and failure.words[0].reason in _NOT_APPLIED and failure.state is State.FAILED:
            for child in children_of[ref]:
                if child in ready:
                    _add(child, failure.since, stale)
    return tuple(Frozen(ref, _revision(ref, snapshot), stale[ref]) for ref in sorted(stale.keys() - set(subjects)))


def _add(ref: Ref, since: datetime | None, stale: dict[Ref, datetime | None]) -> None:
    """Add a stale object. If several causes affect it, it is stale since the first of them."""
    earlier = stale.get(ref)
    stale[ref] = min(earlier, since) if earlier and since else earlier or since


def _add_readers(source: Ref, since: datetime | None, stale: dict[Ref, datetime | None], snapshot: Snapshot) -> None:
    """Add the Ready objects that read a source, directly or through other objects."""
    queue, visited = [source], {source}
    while queue:
        for ref, _ in snapshot.graph.needed_by(queue.pop(), *_READS):
            if ref in snapshot.failures.ready and ref not in visited:
                visited.add(ref)
                _add(ref, since, stale)
                queue.append(ref)


def _is_stopped(source: Ref, snapshot: Snapshot) -> bool:
    resource = snapshot.cluster.get(source)
    return resource is not None and flux.state(resource) in (State.FAILED, State.SUSPENDED)


def _failing_since(ref: Ref, snapshot: Snapshot) -> datetime | None:
    failure = snapshot.failures.of(ref)
    return failure.since if failure else None


def _revision(ref: Ref, snapshot: Snapshot) -> str:
    resource = snapshot.cluster.get(ref)
    return flux.short(flux.revision(resource)) if resource else ""
