"""A namespace that stays in Terminating."""

import re
from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import (
    Clock,
    Cluster,
    Evidence,
    Failures,
    Problem,
    Ref,
    Resource,
    age,
    commands,
    conditions,
    is_terminating,
    kubectl,
    moment,
)

_GRACE = timedelta(minutes=5)
_BLOCKING = ("NamespaceFinalizersRemaining", "NamespaceContentRemaining", "NamespaceDeletionContentFailure",
          "NamespaceDeletionDiscoveryFailure", "NamespaceDeletionGroupVersionParsingFailure")  # fmt: skip


def check(cluster: Cluster, failures: Failures, clock: Clock) -> Iterator[Problem]:
    """Report what blocks the deletion: objects with finalizers, or an API that cannot be listed."""
    for namespace in cluster.all("Namespace"):
        since = moment(namespace.text("metadata.deletionTimestamp"))
        waiting = _waiting(namespace.name, failures) if since else ()
        if since is None or (clock.taken - since < _GRACE and not waiting):
            continue
        reports = [c for c in conditions(namespace) if c.type in _BLOCKING and c.status == "True"]
        blockers = [r for r in cluster if r.namespace == namespace.name and _is_blocked(r)]
        yield Problem(
            namespace.ref,
            {
                "age": f" for {age(since, clock.taken)}",
                "holder": _holder(blockers, [c.message for c in reports]),
                "name": namespace.name,
                "removal": _removal(blockers),
                "then_reconcile": commands(waiting[0])["then_reconcile"] if waiting else "",
            },
            evidence=tuple(Evidence.condition(c.message, f"{namespace.ref} condition {c.type}=True") for c in reports),
            field="metadata.finalizers",
            explains=(*waiting, *(r.ref for r in blockers if failures.of(r.ref))),
        )


def _is_blocked(resource: Resource) -> bool:
    return is_terminating(resource) and bool(resource.strings("metadata.finalizers"))


def _holder(blockers: list[Resource], messages: list[str]) -> str:
    names = [f"{r.ref} (finalizer {', '.join(r.strings('metadata.finalizers'))})" for r in blockers[:3]]
    more = f" and {len(blockers) - 3} more" if len(blockers) > len(names) else ""
    if names:
        return f"{', '.join(names)}{more}"
    return messages[0] if messages else "an object that is not visible"


def _removal(blockers: list[Resource]) -> str:
    """Return the command that removes the finalizers of the first object."""
    rest = '--type=merge -p \'{"metadata":{"finalizers":[]}}\''
    return f". Run: {kubectl('patch', blockers[0].ref, rest=rest)}" if blockers else ""


def _waiting(name: str, failures: Failures) -> tuple[Ref, ...]:
    """Return the Flux objects whose controller reports that the namespace is terminating or missing."""
    word = re.escape(name)
    pattern = re.compile(
        rf"namespace {word} because it is being terminated|Namespace/{word} status: 'Terminating'|"
        rf'namespaces? "{word}" (?:not found|is being terminated)|object is being deleted: namespaces "{word}"'
    )
    return tuple(f.ref for f in failures.failed if any(pattern.search(w.message) for w in f.words))
