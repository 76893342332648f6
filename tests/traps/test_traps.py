"""What looks broken and is normal: no rule says a word above a note of it, and the table names a proof for each trap."""

from __future__ import annotations

import re
from pathlib import Path

import coverage
import pytest

from fluxdoctor.testing import parse_examples
from tests.helpers.report_lines import report_lines
from tests.helpers.worlds import rules

PAGES = sorted(Path(__file__).parent.glob("*.md"))
CATALOGUE = Path(__file__).parents[3] / "shared" / "faults" / "faults.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_trap(page: Path) -> None:
    (example,) = parse_examples(page.read_text("utf-8"), page.stem)
    assert report_lines(example.report(rules())) == ""


def test_every_proof_is_there() -> None:
    assert [str(proof) for trap in coverage.traps() for proof in trap.proofs if not proof.exists()] == []


@pytest.mark.skipif(
    not CATALOGUE.is_file(), reason="the catalogue that the traps were taken from is not beside the project"
)
def test_every_trap_of_the_catalogue_is_in_the_table() -> None:
    section = CATALOGUE.read_text("utf-8").partition("## False-positive traps")[2]
    rows = [row.split("|")[1].strip().replace("`", "") for row in re.findall(r"^\|.*\|$", section, re.M)][2:]
    assert [trap.text for trap in coverage.traps()] == rows
