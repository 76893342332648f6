"""A namespace is being deleted and does not go."""

import re
from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import Clock, Cluster, Evidence, Failures, Problem, Ref, Resource, age, conditions, moment

_GRACE = timedelta(minutes=5)
_NOTED = ("NamespaceFinalizersRemaining", "NamespaceContentRemaining", "NamespaceDeletionContentFailure",
          "NamespaceDeletionDiscoveryFailure", "NamespaceDeletionGroupVersionParsingFailure")  # fmt: skip


def check(cluster: Cluster, failures: Failures, clock: Clock) -> Iterator[Problem]:
    """Say what holds it: objects with finalizers, or an API that cannot be listed."""
    for namespace in cluster.all("Namespace"):
        since = moment(namespace.text("metadata.deletionTimestamp"))
        waits = _waiting(namespace.name, failures) if since else ()
        if since is None or (clock.taken - since < _GRACE and not waits):
            continue
        said = [c for c in conditions(namespace) if c.type in _NOTED and c.status == "True"]
        held = [r for r in cluster if r.namespace == namespace.name and _held(r)]
        yield Problem(
            namespace.ref,
            {
                "age": f" since {age(since, clock.taken)}",
                "holder": _holder(held, [c.message for c in said]),
                "name": namespace.name,
            },
            evidence=tuple(Evidence(c.message, f"{namespace.ref} condition {c.type}=True") for c in said),
            field="metadata.finalizers",
            explains=(*waits, *(r.ref for r in held if failures.of(r.ref))),
        )


def _held(resource: Resource) -> bool:
    return resource.has("metadata.deletionTimestamp") and bool(resource.strings("metadata.finalizers"))


def _holder(held: list[Resource], said: list[str]) -> str:
    names = [f"{r.ref} (finalizer {', '.join(r.strings('metadata.finalizers'))})" for r in held[:3]]
    more = f" and {len(held) - 3} more" if len(held) > len(names) else ""
    if names:
        return f"{', '.join(names)}{more}"
    return said[0] if said else "something that could not be seen"


def _waiting(name: str, failures: Failures) -> tuple[Ref, ...]:
    """The Flux objects whose controller says that the namespace is in the way."""
    word = re.escape(name)
    pattern = re.compile(
        rf"namespace {word} because it is being terminated|Namespace/{word} status: 'Terminating'|"
        rf'namespaces? "{word}" (?:not found|is being terminated)|object is being deleted: namespaces "{word}"'
    )
    return tuple(f.ref for f in failures.failed if any(pattern.search(w.message) for w in f.words))
