"""A probe of our own beside what the controller says: proof where both agree, a hint where only we are served."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.store import snapshot_folder
from fluxdoctor.model import probe_text
from fluxdoctor.model.finding import Confidence, Evidence, Finding
from fluxdoctor.model.probes import Answer, Probe, Probes
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Rule, RuleError, parse_page
from fluxdoctor.testing import Example, _about, examples
from tests.helpers.worlds import rules

KINDS = ("GitRepository", "HelmRepository", "OCIRepository", "Bucket")
EXAMPLES = examples("fluxdoctor_rules")
PROVABLE = [(r, a) for r in rules().rules for a in sorted(r.answers or ())]


def first(rule: Rule) -> tuple[Snapshot, Ref]:
    """The world of the rule's first Broken example about a source, and that source."""
    for example in EXAMPLES:
        if example.rule == rule.id and example.verdict == "Broken" and "probes.yaml" not in example.files:
            snapshot = world(example)
            for finding in diagnose(snapshot, rules()).findings:
                if finding.rule == rule.id and finding.subject.kind in KINDS:
                    return snapshot, finding.subject
    raise AssertionError(f"{rule.id} has no example about a source")


def world(example: Example) -> Snapshot:
    files = {name: text.encode() for name, text in example.files.items()}
    files.setdefault("snapshot.yaml", _about(example.files))
    return snapshot_folder.parse(files, example.rule)


def finding(snapshot: Snapshot, ref: Ref, rule: str, probe: Probe) -> Finding:
    report = diagnose(replace(snapshot, probes=Probes({ref: probe})), rules())
    return next(f for f in report.findings if f.rule == rule and ref in (f.subject, *f.also))


@pytest.mark.parametrize(("rule", "answer"), PROVABLE, ids=lambda v: getattr(v, "id", v))
def test_the_same_answer_is_proof(rule: Rule, answer: Answer) -> None:
    snapshot, ref = first(rule)
    probe = Probe("https://example.com/x", answer, "as it said", snapshot.taken)
    found = finding(snapshot, ref, rule.id, probe)
    assert found.confidence is Confidence.PROVEN
    said = Evidence.probe(
        f"probed from here, just now: {probe_text.WORDS[answer]} (as it said)",
        "probe of https://example.com/x",
    )
    assert said in found.evidence


@pytest.mark.parametrize("rule", [r for r in rules().rules if r.answers is not None], ids=lambda r: r.id)
def test_an_answer_from_here_is_a_hint(rule: Rule) -> None:
    snapshot, ref = first(rule)
    without = finding(snapshot, ref, rule.id, Probe("x", Answer.UNKNOWN))
    probe = Probe("https://example.com/x", Answer.OK, "3 branches, 0 tags", snapshot.taken - timedelta(hours=2))
    found = finding(snapshot, ref, rule.id, probe)
    hint = "; check the controller's network and its copy of the Secrets"
    said = Evidence.probe(
        f"probed from here, 2h ago: success (3 branches, 0 tags){hint}",
        "probe of https://example.com/x",
    )
    assert found == replace(without, evidence=found.evidence)
    assert set(found.evidence) == {*without.evidence, said}


def test_another_answer_is_evidence_and_no_proof() -> None:
    rule = next(r for r in rules().rules if r.id == "source/host-not-resolved")
    snapshot, ref = first(rule)
    found = finding(snapshot, ref, rule.id, Probe("https://example.com/x", Answer.REFUSED, at=snapshot.taken))
    assert found.confidence is Confidence.REPORTED
    assert (
        Evidence.probe("probed from here, just now: connection failed", "probe of https://example.com/x")
        in found.evidence
    )


def test_every_answer_about_a_source_proves_some_rule() -> None:
    told = {answer for _, answer in PROVABLE}
    assert set(probe_text.WORDS) - told == {Answer.OK}


def test_an_answer_that_nobody_gives_is_an_error() -> None:
    page = "---\nseverity: error\nsummary: x\nmessage: x\nfix: X y\nanswers: [nonsense]\n---\n# x\n"
    with pytest.raises(RuleError, match=r"x\.md: answers: 'nonsense' is not a valid Answer; known: ok, dns, "):
        parse_page(page, "a/b", "x.md")
