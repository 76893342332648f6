"""Who wrote an object, as its managedFields tell."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from fluxdoctor import Fields, Resource, moment

#: Tools in the hands of people. kubectl-rollout only sets an annotation; autoscalers and operators are meant to write.
_HANDS = frozenset(
    ("kubectl", "kubectl-edit", "kubectl-patch", "kubectl-client-side-apply", "kubectl-set", "kubectl-scale",
     "kubectl-replace", "kubectl-create", "k9s", "node-fetch", "lens", "dashboard")
)  # fmt: skip
_RESTARTED = "f:kubectl.kubernetes.io/restartedAt"


def by_hand(resource: Resource, after: datetime) -> Iterator[tuple[str, datetime, tuple[str, ...]]]:
    """Yield who changed spec or data after a moment with a tool for people: the tool, when, and which fields."""
    for row in resource.rows("metadata.managedFields"):
        at = moment(row.text("time"))
        if row.text("manager") in _HANDS and row.text("subresource") in ("", "scale") and at and at > after:
            fields = tuple(_leaves(row))
            if fields:
                yield row.text("manager"), at, fields


def _leaves(row: Fields) -> Iterator[str]:
    for part in ("f:spec", "f:data", "f:stringData"):
        body = row.get(("fieldsV1", part))
        if isinstance(body, dict):
            yield from _below(body, part.removeprefix("f:"))


def _below(body: dict[str, Any], at: str) -> Iterator[str]:
    """Keys of lists (k:{...}) and values of sets (v:...) are written as [ ]; "." marks the object itself."""
    inner = [key for key in body if key != "."]
    if not inner:
        yield at
    for key in inner:
        if key == _RESTARTED:
            continue
        name = f".{key.removeprefix('f:')}" if key.startswith("f:") else "[]"
        value = body[key]
        if isinstance(value, dict) and any(k != "." for k in value):
            yield from _below(value, at + name)
        else:
            yield at + name
