"""The first scores of held-out incidents, before any rule was changed because of them: `first-met.yaml` beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml
from accuracy import Scored

FILE = "first-met.yaml"
_HEAD = (
    "# The first scores of these incidents, before any rule was changed because of them.\n"
    "# If you add recordings, score them (tools/accuracy.py DIR --keep) before you change a rule.\n"
)
_PAIRS = ("right", "wrong", "missed")


def load(root: Path) -> list[Scored]:
    """Read the first scores of held-out incidents."""
    rows: dict[str, dict[str, Any]] = yaml.safe_load((root / FILE).read_text("utf-8"))
    return [
        Scored(
            name,
            is_healthy=row["healthy"],
            is_cause_first=row["first"],
            unaccounted=tuple(row.get("unaccounted", ())),
            **{
                key: tuple((rule, subject) for rule, _, subject in (p.partition(" ") for p in row.get(key, ())))
                for key in _PAIRS
            },
        )
        for name, row in rows.items()
    ]


def save(scored: Iterable[Scored], root: Path) -> None:
    """Write scores without empty fields."""
    (root / FILE).write_text(
        _HEAD + yaml.safe_dump({s.name: _row(s) for s in scored}, sort_keys=True, width=140), "utf-8"
    )


def _row(scored: Scored) -> dict[str, Any]:
    pairs: dict[str, Sequence[tuple[str, str]]] = {key: getattr(scored, key) for key in _PAIRS}
    filled_pairs = {key: [" ".join(pair) for pair in rows] for key, rows in pairs.items() if rows}
    unaccounted = {"unaccounted": list(scored.unaccounted)} if scored.unaccounted else {}
    return {"healthy": scored.is_healthy, "first": scored.is_cause_first, **filled_pairs, **unaccounted}
