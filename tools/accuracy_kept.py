"""How incidents were scored before the rules had met them, kept in a file beside them: `first-met.yaml`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml
from accuracy import Scored

FILE = "first-met.yaml"
_HEAD = (
    "# How fluxdoctor scored these incidents as they were first met, before any rule was touched because of them.\n"
    "# whoever adds recordings scores them with the rules as they were (tools/accuracy.py DIR --keep), before a rule is mended.\n"
)
_PAIRS = ("right", "wrong", "missed")


def kept(root: Path) -> list[Scored]:
    """Read the scores of held-out incidents as they were first met."""
    rows: dict[str, dict[str, Any]] = yaml.safe_load((root / FILE).read_text("utf-8"))
    return [
        Scored(
            name,
            healthy=row["healthy"],
            first=row["first"],
            unaccounted=tuple(row.get("unaccounted", ())),
            **{
                key: tuple((told, on) for told, _, on in (p.partition(" ") for p in row.get(key, ()))) for key in _PAIRS
            },
        )
        for name, row in rows.items()
    ]


def keep(scored: Iterable[Scored], root: Path) -> None:
    """Write scores, what is empty left out."""
    (root / FILE).write_text(
        _HEAD + yaml.safe_dump({s.name: _row(s) for s in scored}, sort_keys=True, width=140), "utf-8"
    )


def _row(scored: Scored) -> dict[str, Any]:
    pairs: dict[str, Sequence[tuple[str, str]]] = {key: getattr(scored, key) for key in _PAIRS}
    told = {key: [" ".join(pair) for pair in found] for key, found in pairs.items() if found}
    lost = {"unaccounted": list(scored.unaccounted)} if scored.unaccounted else {}
    return {"healthy": scored.healthy, "first": scored.first, **told, **lost}
