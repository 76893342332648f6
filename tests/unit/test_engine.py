"""Running rules: facts by signature, patterns over messages, selection, and what goes wrong in a rule or a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from fluxdoctor import engine
from fluxdoctor.model.chart_indexes import ChartIndexes
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.finding import Problem, Skipped, Unknown
from fluxdoctor.model.manifests import Manifests
from fluxdoctor.model.oci import OciTags
from fluxdoctor.model.resource import Ref
from fluxdoctor.rule import Check, Need, Rule, RuleError, needs_of, parse_page
from tests.helpers.gaps import gap
from tests.helpers.worlds import FLEET, kustomization, rules, world

PAGE = """---
severity: error
summary: A page
message: "is {{what}}"
fix: "Repair it."
{front}
---
# A page
"""
APPS = Ref("Kustomization", "flux-system", "apps")


def page(front: str = "", rule_id: str = "kustomize/some-rule", check: Check | None = None) -> Rule:
    return parse_page(PAGE.format(front=front), rule_id, f"{rule_id}.md", check)


def messages(message: str, *rules: Rule, reason: str = "BuildFailed") -> list[str]:
    hits = engine.run(rules, world(FLEET + kustomization("apps", reason, message))).hits
    return [f"{h.rule.id} {h.problem.facts.get('what')} {','.join(map(str, h.problem.because))}".strip() for h in hits]


def test_named_groups_fill_the_message_and_the_causes() -> None:
    rule = page(
        "pattern: \"'(?P<ns>[^/']*)/(?P<what>[^']+)' is late\"\nbecause: ['HelmRelease/{ns}/{what}']\nrole: symptom"
    )
    assert messages("'apps/web' is late", rule) == ["kustomize/some-rule web HelmRelease/apps/web"]
    assert messages("'/web' is late", rule) == ["kustomize/some-rule web HelmRelease/flux-system/web"]
    assert messages("all is well", rule) == []


def test_the_lowest_rank_wins_then_the_id() -> None:
    broad = page("pattern: 'x(?P<what>.*)'\nrank: 9", "kustomize/broad")
    exact = page("pattern: 'x(?P<what>y)'\nrank: 3", "kustomize/exact")
    twin = page("pattern: '(?P<what>xy)'\nrank: 3", "kustomize/twin")
    assert messages("xyz", broad, twin, exact) == ["kustomize/exact y"]
    assert messages("xz", broad, twin, exact) == ["kustomize/broad z"]


def test_kinds_and_reasons_limit_a_pattern() -> None:
    rule = page("pattern: '(?P<what>x)'\nkinds: [HelmRelease]")
    assert messages("x", rule) == []
    rule = page("pattern: '(?P<what>x)'\nreason: [A, BuildFailed]")
    assert messages("x", rule) == ["kustomize/some-rule x"]
    assert messages("x", rule, reason="B") == []


def test_white_space_of_a_message_does_not_matter() -> None:
    assert messages("one\\n   two", page("pattern: '(?P<what>one two)'")) == ["kustomize/some-rule one two"]


def test_a_pattern_that_cannot_fill_the_message_says_nothing() -> None:
    assert messages("x", page("pattern: 'x'")) == []
    assert messages("x", page("pattern: 'x'\ndefaults: {what: said}")) == ["kustomize/some-rule said"]


def test_a_check_gets_the_facts_it_names() -> None:
    def check(
        cluster: Cluster, charts: ChartIndexes | None, manifests: Manifests | None
    ) -> Iterator[Problem | Unknown]:
        yield Problem(APPS, {"what": f"{len(cluster)} {charts} {manifests}"})
        yield Unknown(APPS, "it is dark")

    rule = page(check=check)
    assert rule.needs == (
        Need("cluster", Cluster),
        Need("charts", ChartIndexes, True),
        Need("manifests", Manifests, True),
    )
    outcome = engine.run([rule], world(FLEET + kustomization("apps")))
    assert [h.problem.facts for h in outcome.hits] == [{"what": "2 None None"}]
    assert outcome.skipped == (Skipped(rule.id, APPS, "it is dark"),)


def test_a_check_whose_facts_were_not_collected_is_skipped_with_the_reason() -> None:
    def check(charts: ChartIndexes) -> Iterator[Problem]:
        raise AssertionError
        yield

    outcome = engine.run([page(check=check)], world(FLEET))
    assert outcome.skipped == (
        Skipped("kustomize/some-rule", None, "no Helm repository index was fetched", asked=False),
    )


def test_a_registry_that_was_asked_and_did_not_answer_was_asked() -> None:
    def check(oci: OciTags) -> Iterator[Problem]:
        raise AssertionError
        yield

    unanswered = replace(
        world(FLEET), gaps=(gap("unavailable", "oci/apps/web.yaml", "refused: registry.test: connection refused"),)
    )
    said = [engine.run([page(check=check)], seen).skipped[0].why for seen in (world(FLEET), unanswered)]
    assert said == ["no OCI registry was queried", "no OCI registry responded"]


def test_a_check_that_raises_is_skipped_and_its_text_kept_back() -> None:
    def check(cluster: Cluster) -> Iterator[Problem]:
        yield Problem(APPS, {"what": "before"})
        raise ValueError(cluster)

    outcome = engine.run([page(check=check)], world(FLEET))
    assert [h.problem.facts for h in outcome.hits] == [{"what": "before"}]
    (skipped,) = outcome.skipped
    assert skipped.why.startswith("the rule raised ValueError at test_engine.py:")


def test_a_problem_without_the_facts_of_its_message_is_a_skipped_rule() -> None:
    def check(cluster: Cluster) -> Iterator[Problem]:
        yield Problem(APPS, {"wrong": str(len(cluster))})

    outcome = engine.run([page(check=check)], world(FLEET))
    assert outcome.hits == ()
    assert [s.why.partition(" at ")[0] for s in outcome.skipped] == ["the rule raised KeyError"]


def test_selection_by_id_area_and_glob() -> None:
    rules = [page(rule_id=i) for i in ("helm/a", "helm/b-c", "kustomize/a")]

    def ids(only: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> list[str]:
        return [r.id for r in engine.select(rules, only, ignore)]

    assert ids() == ["helm/a", "helm/b-c", "kustomize/a"]
    assert ids(("helm",)) == ids(("helm/*",)) == ["helm/a", "helm/b-c"]
    assert ids(("*/a",), ("kustomize/*",)) == ["helm/a"]
    assert ids((), ("helm/b-c",)) == ["helm/a", "kustomize/a"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# no front matter", "x.md:1: a page must begin with front matter between two lines of ---"),
        ("---\na: [\n---\n", "x.md:3: front matter is not YAML: "),
        ("---\n- a\n---\n", "x.md:2: front matter is not a mapping"),
        ("---\nseverity: error\n---\n", "x.md: the front matter has no summary"),
        (PAGE.format(front="colour: red"), "x.md: unknown key 'colour' in the front matter; known: severity, summary"),
        (PAGE.format(front="rank: low"), "x.md: rank must be int, not str"),
        (PAGE.format(front="pattern: '('"), "x.md: pattern '(' is not a regular expression of RE2: missing ): ("),
        (PAGE.format(front="role: hero"), "x.md: role must be root or symptom, not 'hero'"),
        (PAGE.format(front="role: fallback"), "x.md: role must be root or symptom, not 'fallback'"),
        (PAGE.format(front="pattern: 1"), "x.md: pattern must be str or list, not int"),
        (
            PAGE.format(front="").replace("severity: error", "severity: bad"),
            "x.md: severity must be error, warning or info, not 'bad'",
        ),
    ],
)
def test_a_page_that_breaks_the_contract(text: str, words: str) -> None:
    with pytest.raises(RuleError) as error:
        parse_page(text, "kustomize/x", "x.md", pack="acme")
    assert str(error.value).startswith(words)


def test_only_our_own_pack_has_fallbacks() -> None:
    assert page("role: fallback").role == "fallback"
    with pytest.raises(RuleError, match="role must be root or symptom, not 'hero'"):
        page("role: hero")


def test_a_pattern_of_ours_is_looked_at_when_it_is_needed() -> None:
    rule = page("pattern: '('")
    with pytest.raises(
        RuleError, match=r"kustomize/some-rule: pattern '\(' is not a regular expression of RE2: missing \)"
    ):
        _ = rule.patterns


def test_all_patterns_of_the_installed_rules_can_be_compiled() -> None:
    read = {rule.id: rule.reads for rule in rules().rules if rule.reads}
    assert {rule.id: tuple(p.pattern for p in rule.patterns) for rule in rules().rules if rule.patterns} == read


@pytest.mark.parametrize("rule_id", ["x", "a/b/c", "A/b", "a/b_c", "a/-b"])
def test_an_id_that_is_none(rule_id: str) -> None:
    with pytest.raises(RuleError, match="is not a rule id"):
        page(rule_id=rule_id)


def test_a_parameter_that_is_no_fact() -> None:
    def check(colour: str) -> Iterator[Problem]:
        yield Problem(APPS, {"colour": colour})

    with pytest.raises(
        RuleError,
        match=r"x.py: check\(colour\) is not annotated with a fact; facts: ChartIndexes, Charts, Clock, Cluster",
    ):
        needs_of(check, "x.py")


def test_rules_are_plain_values() -> None:
    assert replace(page(), rank=1).rank == 1


@pytest.mark.parametrize("piece", ["a", "a/b ", "/kustomization-1/", "https://x ", "'a' ", "eyJh", "failed: ", "\n"])
def test_a_message_of_any_length_is_read_in_no_time_at_all(piece: str) -> None:
    """A pattern that is not linear would not come to an end here: the whole is a million characters."""
    message = piece * (1_000_000 // len(piece))
    for kind in ("GitRepository", "HelmRelease", "Kustomization"):
        recognised = engine.recognise(rules().rules, kind, "ReconciliationFailed", message)
        assert recognised is None or recognised[0].id in {r.id for r in rules().rules}


def test_what_names_a_fault_is_found_at_both_ends_of_a_long_message() -> None:
    rule = page("pattern: 'begins (?P<what>\\w+)|ends (?P<other>\\w+)$'")
    for message in ("begins here" + " x" * 5000, "x " * 5000 + "ends here", "begins " + "w" * 3000):
        assert engine.recognise([rule], "Kustomization", "", message)
