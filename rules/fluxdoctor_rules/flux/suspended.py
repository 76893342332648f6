"""A suspended object: worth knowing, wrong where something waits for it or has moved on without it."""

from collections.abc import Iterator

from fluxdoctor import (
    ChartIndexes,
    Clock,
    Cluster,
    Condition,
    Edge,
    Evidence,
    Failures,
    GitTrees,
    Graph,
    Manifests,
    Problem,
    Ref,
    Resource,
    Severity,
    State,
    condition,
    state,
)
from fluxdoctor_rules.flux import _stale, _words

_READS = (Edge.SOURCE, Edge.CHART_REF, Edge.HELM_CHART, Edge.IMAGE_REPOSITORY, Edge.INCLUDE)
_SOURCES = ("GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Bucket", "ImageRepository")
_SHOWN = 3


def check(  # noqa: PLR0913, PLR0917 - each is a kind of fact
    cluster: Cluster,
    graph: Graph,
    failures: Failures,
    clock: Clock,
    manifests: Manifests | None,
    trees: GitTrees | None,
    charts: ChartIndexes | None,
) -> Iterator[Problem]:
    """Tell a suspension that nobody notices from one that holds something back."""
    known = _stale.Known(cluster, graph, manifests, trees, charts)
    for resource in cluster.flux:
        if not resource.flag("spec.suspend") or resource.has("metadata.deletionTimestamp"):
            continue
        waits = _waiting(resource, graph, failures)
        readers = _readers(resource, cluster, graph)
        changes = tuple(_stale.changes(resource, known))
        failed = _failed(resource)
        declared = manifests.definition(resource.ref, graph.parent(resource)) if manifests else None
        in_git = declared is not None and declared.flag("spec.suspend")
        level = Severity.ERROR if waits else Severity.WARNING if changes or readers else None
        yield Problem(
            resource.ref,
            {
                "who": _words.who(resource, clock.taken) + (" (in git)" if in_git else ""),
                "effect": _effect(waits, failed, changes, readers),
                "how": _words.how(resource, in_git=in_git),
            },
            evidence=(*_quoted(resource, failed), *(Evidence(text, str(resource.ref)) for text in changes)),
            field="spec.suspend",
            explains=waits,
            severity=level,
        )


def _failed(resource: Resource) -> Condition | None:
    """Return the failure that the suspension has frozen: it is there again as soon as the object is resumed."""
    ready = condition(resource, "Ready")
    return ready if ready and ready.status == "False" else None


def _quoted(resource: Resource, failed: Condition | None) -> tuple[Evidence, ...]:
    text = f'{failed.reason}: "{" ".join(failed.message.split())}"' if failed else ""
    return (Evidence(text, f"{resource.ref} condition Ready=False"),) if failed else ()


def _waiting(resource: Resource, graph: Graph, failures: Failures) -> tuple[Ref, ...]:
    """Failing objects whose controller names this one, or that read from it and have no artifact."""
    found = []
    for failure in failures.failed:
        said = " ".join(w.message for w in failure.words)
        needs = {r.edge for r in graph.needs(failure.ref, Edge.DEPENDS_ON, *_READS) if r.target == resource.ref}
        names = f"'{resource.ref.named}'" in said and bool(needs)
        starves = bool(needs & set(_READS)) and ("rtifact not found" in said or "no artifact" in said)
        if names or starves or f"{resource.ref} status: '" in said:
            found.append(failure.ref)
    return tuple(found)


def _readers(resource: Resource, cluster: Cluster, graph: Graph) -> tuple[Ref, ...]:
    """Objects that are at work and read from a suspended source: they get nothing new."""
    if resource.kind not in _SOURCES:
        return ()
    read = [cluster.get(ref) for ref, _ in graph.needed_by(resource.ref, *_READS)]
    found = [r.ref for r in read if r and state(r) is not State.SUSPENDED]
    # A HelmChart is made for a HelmRelease, which says more to the reader.
    return tuple([r for r in found if r.kind != "HelmChart"] or found)


def _effect(
    waits: tuple[Ref, ...], failed: Condition | None, changes: tuple[str, ...], readers: tuple[Ref, ...]
) -> str:
    parts = [f"{_names(waits)} {'waits' if len(waits) == 1 else 'wait'} for it"] if waits else []
    parts += [f"it failed before it was suspended ({failed.reason})"] if failed else []
    parts += changes[:2]
    if readers and not waits:
        parts.append(f"{_names(readers)} {'gets' if len(readers) == 1 else 'get'} no new revision")
    return "; ".join(parts) or "nothing has changed since, as far as can be seen"


def _names(refs: tuple[Ref, ...]) -> str:
    more = f" and {len(refs) - _SHOWN} more" if len(refs) > _SHOWN else ""
    return f"{', '.join(map(str, refs[:_SHOWN]))}{more}"
