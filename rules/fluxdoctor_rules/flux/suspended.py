"""A suspended object. It is a fault if something waits for it or has changed since the suspension."""

from collections.abc import Iterator
from datetime import datetime

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
    age,
    commands,
    condition,
    is_suspended,
    is_terminating,
    moment,
)
from fluxdoctor_rules.flux import _stale

_READS = (Edge.SOURCE, Edge.CHART_REF, Edge.HELM_CHART, Edge.IMAGE_REPOSITORY, Edge.INCLUDE)
_SOURCES = ("GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Bucket", "ImageRepository")
_MOST = 3


def check(  # noqa: PLR0913, PLR0917 - each is a kind of fact
    cluster: Cluster,
    graph: Graph,
    failures: Failures,
    clock: Clock,
    manifests: Manifests | None,
    git: GitTrees | None,
    charts: ChartIndexes | None,
) -> Iterator[Problem]:
    """Report suspended objects: an error if another object waits for them, a warning if they lag behind."""
    facts = _stale.Facts(cluster, graph, manifests, git, charts)
    for resource in cluster.flux:
        if not resource.flag("spec.suspend") or is_terminating(resource) or "resume" not in commands(resource.ref):
            continue
        waiting = _waiting(resource, graph, failures)
        readers = _readers(resource, cluster, graph)
        changes = tuple(_stale.changes(resource, facts))
        failure = _earlier_failure(resource)
        declared = manifests.definition(resource.ref, graph.parent(resource)) if manifests else None
        in_git = declared is not None and declared.flag("spec.suspend")
        level = Severity.ERROR if waiting else Severity.WARNING if changes or readers else None
        yield Problem(
            resource.ref,
            {
                "who": _who(resource, clock.taken) + (" (in git)" if in_git else ""),
                "effect": _effect(waiting, failure, changes, readers),
                "how": _how(in_git=in_git),
            },
            evidence=(
                *_quote(resource, failure),
                *(Evidence.field(text, str(resource.ref)) for text in changes),
            ),
            field="spec.suspend",
            explains=waiting,
            severity=level,
        )


def _who(resource: Resource, now: datetime) -> str:
    """Return the manager that set spec.suspend, and when it last wrote; "" if managedFields do not have it."""
    for row in resource.rows("metadata.managedFields"):
        if row.has("fieldsV1.f:spec.f:suspend"):
            at = moment(row.text("time"))
            return f" by {row.text('manager')}" + (f", {age(at, now)} ago" if at else "")
    return ""


def _how(*, in_git: bool) -> str:
    """Return the words before the command that resumes the object."""
    if in_git:
        return "remove spec.suspend from its manifest in git. To resume it until its parent is reconciled, run"
    return "run"


def _earlier_failure(resource: Resource) -> Condition | None:
    """Return the failure from before the suspension: it returns as soon as the object is resumed."""
    ready = condition(resource, "Ready")
    return ready if ready and ready.status == "False" else None


def _quote(resource: Resource, failure: Condition | None) -> tuple[Evidence, ...]:
    text = f'{failure.reason}: "{" ".join(failure.message.split())}"' if failure else ""
    return (Evidence.condition(text, f"{resource.ref} condition Ready=False"),) if failure else ()


def _waiting(resource: Resource, graph: Graph, failures: Failures) -> tuple[Ref, ...]:
    """Return failing objects whose controller names this one, or that read from it and have no artifact."""
    waiting = []
    for failure in failures.failed:
        text = " ".join(w.message for w in failure.words)
        edges = {r.edge for r in graph.needs(failure.ref, Edge.DEPENDS_ON, *_READS) if r.target == resource.ref}
        is_cited = f"'{resource.ref.named}'" in text and bool(edges)
        lacks_artifact = bool(edges & set(_READS)) and ("rtifact not found" in text or "no artifact" in text)
        if is_cited or lacks_artifact or f"{resource.ref} status: '" in text:
            waiting.append(failure.ref)
    return tuple(waiting)


def _readers(resource: Resource, cluster: Cluster, graph: Graph) -> tuple[Ref, ...]:
    """Return active objects that read from a suspended source: they get no new revision."""
    if resource.kind not in _SOURCES:
        return ()
    consumers = [cluster.get(ref) for ref, _ in graph.needed_by(resource.ref, *_READS)]
    active = [r.ref for r in consumers if r and not is_suspended(r)]
    # helm-controller creates a HelmChart for a HelmRelease, and readers know the HelmRelease.
    return tuple([r for r in active if r.kind != "HelmChart"] or active)


def _effect(
    waiting: tuple[Ref, ...], failure: Condition | None, changes: tuple[str, ...], readers: tuple[Ref, ...]
) -> str:
    parts = [f"{_names(waiting)} {'waits' if len(waiting) == 1 else 'wait'} for it"] if waiting else []
    parts += [f"it failed before it was suspended ({failure.reason})"] if failure else []
    parts += changes[:2]
    if readers and not waiting:
        parts.append(f"{_names(readers)} {'gets' if len(readers) == 1 else 'get'} no new revision")
    return "; ".join(parts) or "no change since then is visible"


def _names(refs: tuple[Ref, ...]) -> str:
    more = f" and {len(refs) - _MOST} more" if len(refs) > _MOST else ""
    return f"{', '.join(map(str, refs[:_MOST]))}{more}"
