"""The table of docs/answers.md is complete, and says what is so."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.helpers.answer_classes import REQUIRED, ROWS, Row, page
from tests.helpers.worlds import ROOT, rules


def test_each_class_of_each_kind_is_made_by_a_server_and_lands_in_a_finding() -> None:
    made = {(row.kind, row.answer) for row in ROWS if row.rule or row.answer.value == "ok"}
    assert [(kind, a.value) for kind, answers in REQUIRED.items() for a in answers if (kind, a) not in made] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.kind}-{row.answer}-{row.rule}")
def test_a_row_names_a_test_that_speaks_of_it(row: Row) -> None:
    file, name = row.place
    text = (ROOT / file).read_text("utf-8")
    tests = {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}
    assert name in tests
    if row.rule:
        rule = rules().get(row.rule)
        assert rule is not None
        assert row.rule in text
        assert row.answer in (rule.answers or ())


def test_the_page_is_the_table() -> None:
    assert Path(ROOT / "docs" / "answers.md").read_text("utf-8") == page(), "python -m tests.helpers.answer_classes"
