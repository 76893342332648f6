"""The incidents that were recorded after the rules were written: what they score now, and what they scored when first met."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import accuracy
import accuracy_first_met
import accuracy_page

from tests.helpers.worlds import INCIDENTS, ROOT, rules

HELD_OUT = ROOT / "fixtures" / "held-out"


@cache
def page() -> accuracy_page.Page:
    recorded = accuracy.run(INCIDENTS, [], rules())
    return accuracy_page.read(recorded, [], rules(), INCIDENTS, HELD_OUT)


def test_every_miss_is_explained_and_nothing_else() -> None:
    assert list(page().problems()) == []


def test_what_was_first_met_is_what_is_there() -> None:
    folders = sorted(p.parent.name for p in HELD_OUT.glob("*/expected.yaml"))
    assert [s.name for s in accuracy_first_met.load(HELD_OUT)] == folders == [s.name for s in page().held_out]


def test_the_page_shows_the_figures() -> None:
    written = accuracy_page.PAGE.read_text("utf-8")
    for name in ("missed", "surprises"):
        assert f"<!-- {name} -->\n{getattr(page(), name)()}\n<!-- /{name} -->" in written, "run `make accuracy`"
    rows = [row.rpartition(" | ")[0] for row in written.partition("<!-- totals -->")[2].splitlines()[3:13]]
    assert rows == [row.removesuffix(" |") for row in page().totals().splitlines()[2:]], "run `make accuracy`"


def test_scores_are_kept_as_they_are(tmp_path: Path) -> None:
    first = accuracy_first_met.load(HELD_OUT)
    accuracy_first_met.save(first, tmp_path)
    assert accuracy_first_met.load(tmp_path) == first
