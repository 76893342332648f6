"""The promises that README makes about the recorded incidents, and the report that it shows."""

from __future__ import annotations

import accuracy
import generated
import pytest
import readme

from tests.helpers.worlds import INCIDENTS, ROOT, rules


def test_promises() -> None:
    scored = accuracy.run(INCIDENTS, [], rules())
    assert accuracy.good(scored), accuracy.table(scored)


def test_generated_fleets_are_scored_as_recorded_incidents_are() -> None:
    scored = generated.run(40, rules())
    assert len(scored) == 40
    assert [accuracy.line(s) for s in scored if s.score < 1 or not s.is_cause_first or s.unaccounted] == []
    assert {s.is_healthy for s in scored} == {True, False}


def test_readme_shows_the_real_report_and_the_measured_table() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert readme.filled(text) == text, "run `make readme`"


@pytest.mark.parametrize("name", ["demo", "accuracy"])
def test_readme_has_the_generated_parts(name: str) -> None:
    assert f"<!-- {name} -->" in (ROOT / "README.md").read_text("utf-8")


def test_the_index_of_rules_is_up_to_date() -> None:
    assert (ROOT / "rules" / "README.md").read_text("utf-8") == readme.index(), "run `make readme`"
