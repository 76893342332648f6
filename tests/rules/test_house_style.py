"""The house style of rule pages: what a summary, a message and a fix may say. CONTRIBUTING.md has it in words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import pytest

from fluxdoctor.model.commands import commands
from fluxdoctor.model.flux import KINDS
from fluxdoctor.model.resource import Ref
from fluxdoctor.rule import Rule, fill
from fluxdoctor.testing import examples
from tests.helpers.house_style import STOP
from tests.helpers.printed_commands import commands_in, flaws_of_command
from tests.helpers.worlds import NAMES, ROOT, report_of, rules

RULES = rules().rules
OPENINGS = ["Set", "Add", "Remove", "Create", "Fix", "Run", "Check", "Upgrade", "Increase", "Wait", "Either"]
LONGEST_SUMMARY = 60
#: The words of flux 2.9, by the verb before them.
RECONCILED = {kind.cli for kind in KINDS.values() if kind.cli and kind.status}
SUSPENDED = {kind.cli for kind in KINDS.values() if kind.cli}
_FLUX = re.compile(r"\bflux (?P<verb>reconcile|suspend|resume) (?P<rest>[^.;,()]*)")


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
    for found in _FLUX.finditer(rule.fix):
        known = RECONCILED if found["verb"] == "reconcile" else SUSPENDED
        words = next((cli for cli in known if re.match(rf"{cli} \S", found["rest"])), None)
        if words is None:
            yield f"fix has a command that flux does not have, or that names no object: {found[0]}"


@cache
def rendered() -> tuple[tuple[str, str, str], ...]:
    """Return rule, message and fix of every finding of all Broken examples and recorded incidents."""
    reports = [e.report() for e in examples("fluxdoctor_rules") if e.verdict == "Broken"]
    reports += [report_of(name) for name in NAMES]
    return tuple(sorted({(f.rule, f.message, f.fix) for report in reports for f in report.findings}))


def fixes() -> Iterator[tuple[str, str]]:
    """Yield every fix as the user reads it, then as its page has it, in which a ``{name}`` stands for a word."""
    yield from ((rule, fix) for rule, _, fix in rendered())
    yield from ((rule.id, rule.fix.format_map(defaultdict(lambda: "word"))) for rule in RULES)


def test_commands_can_be_run_as_they_are_printed() -> None:
    flaws = [
        (rule, command, flaw)
        for rule, text in fixes()
        for command in commands_in(text)
        for flaw in flaws_of_command(command)
    ]
    assert flaws == []


def test_no_command_is_masked_as_a_credential() -> None:
    assert [(rule, fix) for rule, _, fix in rendered() if "[redacted]" in fix] == []


def test_commands_are_not_in_parentheses() -> None:
    """What has to be run is a sentence of its own, so that it can be copied."""
    assert [
        (rule, fix) for rule, fix in fixes() if re.search(r"\((?:run: )?(?:flux|kubectl|sops|helm|kustomize) ", fix)
    ] == []


def test_objects_have_a_kind_and_a_name() -> None:
    """Neither ``Secret//x``, nor the spellings of kustomize and of the API server."""
    odd = re.compile(
        r"\b[A-Z]\w+(?:\.[\w.]+)?//|\[no(?:Ver|Grp|Ns)\]|\b[A-Z]\w+\.v\d\w*\.[\w.]+/|\b[A-Z]\w+\.(?:apps|batch)\b|serviceaccount:"
    )
    # What follows a colon is what a controller reports.
    texts = ((rule, text.partition(": ")[0]) for rule, *both in rendered() for text in both)
    assert [(rule, text) for rule, text in texts if odd.search(text)] == []


def test_sentences_end() -> None:
    assert [
        (rule, fix) for rule, _, fix in rendered() if not fix.endswith(".") or re.search(r"[a-z]\.\.(?:\s|$)", fix)
    ] == []


@pytest.mark.parametrize(
    ("text", "flaws"),
    [
        ("Run: kubectl -n  patch crd x.", ["empty namespace"]),
        ("Run: kubectl patch crd x -n.", ["empty namespace"]),
        ("Run: kubectl annotate ... key-.", ["ellipsis"]),
        ("Run: kustomize build PATH.", ["PATH is left out"]),
        ("Run: fluxdoctor diagnose --target-flux MINOR.", ["MINOR is left out"]),
        ('Run: sops --decrypt "${OTHER}".', ["variable OTHER"]),
        ("Check its Pods (kubectl describe).", ["no object"]),
        ("Run: kubectl -n a logs, then wait.", ["no object"]),
        ("Run: flux create secret git, and set it.", ["flux create secret without a kind and a name"]),
        (
            "Run: flux create secret git a -n b --url=https://c.",
            ["flux create secret git without --username", "flux create secret git without --password"],
        ),
        ("Run: flux create secret git a -n b --url=ssh://c.", ["flux create secret git without --private-key-file"]),
        ("Run: flux create secret oci a --url=c --username=d --password=e.", ["flux create secret without -n"]),
        ('Run: kubectl -n a patch b c -p \'{"d": [], "E": 1}\'.', []),
        ("Run: flux reconcile source git a -n b. Then wait.", []),
    ],
)
def test_flaws_of_commands_are_recognised(text: str, flaws: list[str]) -> None:
    assert [flaw for command in commands_in(text) for flaw in flaws_of_command(command)] == flaws


@pytest.mark.parametrize("kind", KINDS)
def test_rules_about_all_kinds_print_commands_that_a_controller_obeys(kind: str) -> None:
    """These rules judge every kind, so their fixes must be filled, and make sense, for each."""
    words = commands(Ref(kind, "apps", "web"))
    for rule in (r for r in RULES if r.id in ("flux/generation-unseen", "flux/unexplained", "flux/stuck")):
        fix = fill(rule.fix, {**dict.fromkeys(re.findall(r"\{(\w+)\}", rule.fix), ""), **words})
        assert [flaw for command in commands_in(fix) for flaw in flaws_of_command(command)] == []
        assert fix.endswith(".")
    assert ("reconcile" in words) == (kind not in ("Alert", "Provider", "ExternalArtifact"))
    assert "externalartifact" not in str(words)


def test_contributing_has_the_opening_words() -> None:
    text = " ".join((ROOT / "CONTRIBUTING.md").read_text("utf-8").split())
    rule = re.search(r"A \*\*fix\*\* begins with (.*?)\. Each", text)
    assert rule is not None
    assert re.findall(r"\b[A-Z]\w+", rule[1]) == OPENINGS
    assert f"at most {LONGEST_SUMMARY} characters" in text
