"""Converts gaps from and to rows of snapshot.yaml: ``what`` and ``why`` for people, ``reason`` for programs."""

from __future__ import annotations

import contextlib

from fluxdoctor.model.flux import CLUSTER_SCOPED
from fluxdoctor.model.gaps import FileScope, Gap, GapReason, KindScope, Scope, StepScope
from fluxdoctor.model.resource import Fields, Ref

_FOLDERS = ("cluster/", "git/", "helm/", "oci/")
#: The start of ``why`` in snapshots from before rows had a reason.
_BEGINNINGS = {"forbidden": GapReason.FORBIDDEN, "unauthorized": GapReason.UNAUTHORIZED, "timed out": GapReason.TIMEOUT}


def to_row(gap: Gap) -> dict[str, str]:
    """Return a gap as a row of snapshot.yaml."""
    return {"what": str(gap.scope), "why": gap.why, "reason": str(gap.reason)}


def from_row(row: Fields) -> Gap:
    """Return the gap of a row. Without a valid ``reason``, the start of ``why`` decides."""
    why = row.text("why")
    reason = next((r for text, r in _BEGINNINGS.items() if why.startswith(text)), GapReason.NOT_COLLECTED)
    with contextlib.suppress(ValueError):
        reason = GapReason(row.text("reason"))
    return Gap(_scope(row.text("what")), reason, why)


def _scope(text: str) -> Scope:
    """Parse ``Kind``, ``Kind/namespace``, ``Kind/namespace/name``, a path of the snapshot, or the name of a step."""
    path, _, item = text.partition(" ")
    if path.startswith(_FOLDERS) or path.endswith((".yaml", ".json")):
        return FileScope(path, item)
    kind, *parts = text.split("/")
    if not kind[:1].isupper() or " " in text:
        return StepScope(text)
    if len(parts) > 1:
        return Ref(kind, parts[0], "/".join(parts[1:]))
    if parts and kind in CLUSTER_SCOPED:
        return Ref(kind, "", parts[0])
    return KindScope(kind, *parts)
