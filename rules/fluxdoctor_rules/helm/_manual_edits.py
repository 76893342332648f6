"""Manual edits, as recorded in metadata.managedFields."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from fluxdoctor import Fields, Resource, moment

#: Field managers of interactive tools. kubectl-rollout is not one: it only sets an annotation. Autoscalers and
#: operators write on purpose.
_TOOLS = frozenset(
    ("kubectl", "kubectl-edit", "kubectl-patch", "kubectl-client-side-apply", "kubectl-set", "kubectl-scale",
     "kubectl-replace", "kubectl-create", "k9s", "node-fetch", "lens", "dashboard")
)  # fmt: skip
_RESTARTED = "f:kubectl.kubernetes.io/restartedAt"


def by_hand(resource: Resource, after: datetime) -> Iterator[tuple[str, datetime, tuple[str, ...]]]:
    """Yield the manual changes to spec or data after an instant, each as (tool, time of the change, fields)."""
    for row in resource.rows("metadata.managedFields"):
        time = moment(row.text("time"))
        if row.text("manager") in _TOOLS and row.text("subresource") in ("", "scale") and time and time > after:
            fields = tuple(_leaves(row))
            if fields:
                yield row.text("manager"), time, fields


def _leaves(row: Fields) -> Iterator[str]:
    for part in ("f:spec", "f:data", "f:stringData"):
        body = row.get(("fieldsV1", part))
        if isinstance(body, dict):
            yield from _below(body, part.removeprefix("f:"))


def _below(body: dict[str, Any], path: str) -> Iterator[str]:
    """Yield the fields below a path.

    List keys (k:{...}) and set values (v:...) become []; the key "." stands for the object itself.
    """
    inner = [key for key in body if key != "."]
    if not inner:
        yield path
    for key in inner:
        if key == _RESTARTED:
            continue
        name = f".{key.removeprefix('f:')}" if key.startswith("f:") else "[]"
        value = body[key]
        if isinstance(value, dict) and any(k != "." for k in value):
            yield from _below(value, path + name)
        else:
            yield path + name
