"""Every page of every rule that is shipped, and the catalogue as a whole."""

from __future__ import annotations

import re
import string

import pytest

from fluxdoctor import ChartIndexes, Charts, GitTrees, Manifests, OciTags
from fluxdoctor.model.finding import Severity
from fluxdoctor.rule import OWN, URL, Rule
from fluxdoctor.testing import Example, examples
from tests.helpers.worlds import NAMES, ROOT, report_of, rules

EXAMPLES = examples("fluxdoctor_rules")
SHIPPED = [r for r in rules().rules if r.role != "fallback"]
#: The words that open a fix: what to do.
VERB = re.compile(r"[A-Z][a-z]+:? ")


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_example(example: Example) -> None:
    assert example.actual() == example.expected


def test_every_pack_loads() -> None:
    assert rules().skipped == ()


@pytest.mark.parametrize("rule", SHIPPED, ids=lambda r: r.id)
def test_page(rule: Rule) -> None:
    verdicts = {e.verdict for e in EXAMPLES if e.rule == rule.id}
    assert {"Broken", "Fixed"} <= verdicts
    assert len(rule.summary) <= 60
    assert not rule.summary.endswith(".")
    assert not rule.message.endswith(".")
    assert VERB.match(rule.fix), rule.fix
    assert rule.page.startswith(f"\n# {rule.summary}\n") or rule.page.startswith(f"# {rule.summary}\n")
    assert len(rule.page.partition("\n## Broken:")[0]) > 200, "a page says why, and how to see it by hand"


def test_the_page_of_every_rule_is_where_its_address_says() -> None:
    assert [r.id for r in rules().rules if not (ROOT / r.url.removeprefix(URL)).is_file()] == []


#: The parameter of a check for each fact whose type does not say what it is called: one name a fact, as in Snapshot.
FACTS = {GitTrees: "git", Charts: "archives", ChartIndexes: "charts", OciTags: "oci", Manifests: "manifests"}


def test_a_fact_has_one_name_in_all_checks() -> None:
    names = [(rule.id, need.name, need.fact) for rule in rules().rules if rule.pack == OWN for need in rule.needs]
    first = {fact: name for _, name, fact in reversed(names)} | FACTS
    assert [(id_, name, first[fact]) for id_, name, fact in names if name != first[fact]] == []


def test_ids_that_rules_name_exist() -> None:
    ids = {r.id for r in rules().rules}
    assert {s for r in SHIPPED for s in r.supersedes} - ids == set()


def test_every_rule_is_recognised_somewhere() -> None:
    """A rule that no example and no incident makes speak is dead."""
    spoken = {f.rule for e in EXAMPLES if e.verdict == "Broken" for f in e.report().findings}
    spoken |= {f.rule for name in NAMES for f in report_of(name).findings}
    symptoms = {r.id for r in SHIPPED if r.role == "symptom"}
    assert {r.id for r in SHIPPED} - spoken - symptoms == set()


def test_messages_name_a_fact() -> None:
    plain = [r.id for r in SHIPPED if not [f for _, f, _, _ in string.Formatter().parse(r.message) if f]]
    assert plain == []


def test_fixed_and_silent_examples_are_quiet_under_all_rules() -> None:
    loud = {
        str(e): [f.rule for f in e.report().findings if f.severity is not Severity.INFO]
        for e in EXAMPLES
        if e.verdict != "Broken"
    }
    assert {k: v for k, v in loud.items() if v} == {}


@pytest.mark.parametrize("rule", SHIPPED, ids=lambda r: r.id)
def test_commands_of_a_page_can_be_run_and_show_no_secret(rule: Rule) -> None:
    commands = [line.strip() for line in rule.page.splitlines() if line.startswith("    ")]
    # flux 2.9: "dry-run mode requires a kustomization file"
    assert not [
        c
        for c in commands
        if "flux build" in c and " --dry-run" in c.partition("|")[0] and "--kustomization-file" not in c
    ]
    assert not [c for c in commands if re.search(r"get secret \S.*jsonpath='\{\.data\}'", c)]
