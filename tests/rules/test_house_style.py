"""The house style of rule pages: what a summary, a message and a fix may say. CONTRIBUTING.md has it in words."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from fluxdoctor.model.flux import KINDS
from fluxdoctor.rule import Rule
from tests.helpers.house_style import STOP
from tests.helpers.worlds import ROOT, rules

RULES = rules().rules
OPENINGS = ["Set", "Add", "Remove", "Create", "Fix", "Run", "Check", "Upgrade", "Increase", "Wait", "Either"]
LONGEST_SUMMARY = 60
#: The words of flux 2.9, by the verb before them.
RECONCILED = {kind.cli for kind in KINDS.values() if kind.cli and kind.status}
SUSPENDED = {kind.cli for kind in KINDS.values() if kind.cli}
_FLUX = re.compile(r"\bflux (?P<verb>reconcile|suspend|resume) (?P<rest>[^.;,()]*)")
#: What a fix must not leave to the reader where the subject is known.
_UNFILLED = re.compile(r"\b(?:NAME|NAMESPACE|RELEASE|KIND)\b")


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_page(rule: Rule) -> None:
    assert [*_summary(rule), *_fix(rule), *_stops(rule), *_commands(rule)] == []


def _summary(rule: Rule) -> Iterator[str]:
    first = rule.summary.split()[0]
    if first.lower() in ("a", "an", "the"):
        yield f"summary begins with an article: {rule.summary}"
    if len(rule.summary) > LONGEST_SUMMARY:
        yield f"summary is longer than {LONGEST_SUMMARY} characters: {rule.summary}"
    if rule.summary.endswith(".") or not (rule.summary[0].isupper() or first in ("postBuild", "dependsOn")):
        yield f"summary is no sentence case without a full stop: {rule.summary}"


def _fix(rule: Rule) -> Iterator[str]:
    if not rule.fix.startswith("{") and re.split(r"[\s,]", rule.fix)[0] not in OPENINGS:
        yield f"fix begins with none of {', '.join(OPENINGS)}: {rule.fix}"


def _stops(rule: Rule) -> Iterator[str]:
    for name in ("summary", "message", "fix"):
        text = getattr(rule, name)
        yield from (f"{name}: {why}: {text}" for why, pattern in STOP.items() if re.search(pattern, text))
    prose = re.sub(r"^(`{3,}).*?^\1\s*$", "", rule.page, flags=re.M | re.S)
    prose = "\n".join(line for line in prose.splitlines() if not line.startswith("    "))
    yield from (f"page: {why}: {found[0]}" for why, pattern in STOP.items() if (found := re.search(pattern, prose)))


def _commands(rule: Rule) -> Iterator[str]:
    if _UNFILLED.search(rule.fix):
        yield f"fix leaves out a name that is known: {rule.fix}"
    for found in _FLUX.finditer(rule.fix):
        known = RECONCILED if found["verb"] == "reconcile" else SUSPENDED
        words = next((cli for cli in known if re.match(rf"{cli} \S", found["rest"])), None)
        if words is None:
            yield f"fix has a command that flux does not have, or that names no object: {found[0]}"


def test_contributing_has_the_opening_words() -> None:
    text = " ".join((ROOT / "CONTRIBUTING.md").read_text("utf-8").split())
    rule = re.search(r"A \*\*fix\*\* begins with (.*?)\. Each", text)
    assert rule is not None
    assert re.findall(r"\b[A-Z]\w+", rule[1]) == OPENINGS
    assert f"at most {LONGEST_SUMMARY} characters" in text
