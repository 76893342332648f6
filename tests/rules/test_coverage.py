"""The table of faults and rules is what the rules and the catalogue say."""

from __future__ import annotations

import re

import coverage
import pytest
from coverage import Fault

from fluxdoctor.rule import parse_page

FAULTS = coverage.faults()
INSTALLED = coverage.installed_coverage()


def test_table_is_up_to_date() -> None:
    assert coverage.TABLE.read_text("utf-8") == coverage.table(INSTALLED), "run `make coverage`"


def test_rules_and_exclusions_fit_the_catalogue() -> None:
    assert INSTALLED.flaws == []


@pytest.mark.parametrize("fault", [f for f in FAULTS if f.sample and f.regex], ids=lambda f: f.id)
def test_a_sample_is_a_message_of_its_fault(fault: Fault) -> None:
    assert re.search(fault.regex, fault.sample, re.S)


def test_flaws_are_named() -> None:
    page = "---\nseverity: error\nsummary: s\nmessage: '{m}'\nfix: f\nfaults: [a-row, no-row]\npattern: '(?P<m>other)'\n---\n# s\n"
    rule = parse_page(page, "area/name", "area/name.md")
    row = Fault("a-row", "Section", "high", "root", ("HelmRelease",), "", "said <err>", "", "", has_objects=False)
    result = coverage.coverage([rule], [row], {"a-row": "argued", "gone": "argued"})
    assert result.flaws == [
        "area/name names a fault that is not in the catalogue: no-row",
        "exclusions.yaml: no such fault: gone",
        "exclusions.yaml: a-row is recognised by area/name",
        "a-row: none of area/name recognises its message: said an example",
    ]
