"""Gaps as tests write them."""

from __future__ import annotations

from fluxdoctor.collect.store import saved_gaps
from fluxdoctor.model.gaps import Gap
from fluxdoctor.model.resource import Fields


def gap(reason: str, what: str, why: str) -> Gap:
    """Return a gap by its reason, and its words as snapshot.yaml has them."""
    return saved_gaps.from_row(Fields({"what": what, "why": why, "reason": reason}))
