"""Findings about the ignores and the baseline: no reason, expired, or no longer used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fluxdoctor.model.finding import Confidence, Evidence, Fact, Finding, Report
from fluxdoctor.model.resource import Location, Ref
from fluxdoctor.rule import Catalogue, Rule, fill
from fluxdoctor.settings.baseline import Baseline, BaselineEntry
from fluxdoctor.settings.read import rule_hint
from fluxdoctor.settings.values import Ignore, names

AREA = "settings"
EXPIRED, REASONLESS, UNUSED, OLD = (
    f"{AREA}/{name}" for name in ("ignore-expired", "ignore-without-reason", "ignore-unused", "baseline-outdated")
)


@dataclass(frozen=True)
class Audit:
    """The ignores of a run, which of them hid something, and what the run covered.

    ``selected``: the ids of the rules that the run selected. ``is_complete``: the run covered every cluster and namespace.
    ``used``: the ignores that hid a finding. ``matched``: the entries of ``baseline`` that matched a finding.
    ``settings_file``: the name of the settings file in reports.
    """

    report: Report
    catalogue: Catalogue
    selected: frozenset[str]
    is_complete: bool
    clusters: tuple[str, ...]
    ignores: tuple[Ignore, ...]
    used: frozenset[Ignore]
    baseline: Baseline | None
    matched: frozenset[BaselineEntry]
    settings_file: str

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings, by location."""
        findings = [f for ignore in self.ignores for f in self._check(ignore)]
        findings += self._outdated_baseline()
        findings.sort(key=lambda f: (f.location or Location(""), f.rule, str(f.subject), f.key))
        distinct: dict[object, Finding] = {}
        for finding in findings:  # an annotation in a base is one thing to fix, even if many objects are built from it
            distinct.setdefault((finding.rule, finding.location or finding.subject, finding.key), finding)
        return tuple(distinct.values())

    def _check(self, ignore: Ignore) -> Iterator[Finding]:
        """Yield the findings about one ignore."""
        if ignore.is_expired(self.report.taken.date()):
            yield self._finding(EXPIRED, ignore, {"expired": str(ignore.expires), "reason": ignore.reason or "none"})
            return
        if not ignore.reason:
            yield self._finding(REASONLESS, ignore, {})
        if not self._is_used(ignore) and (why := self._why_unused(ignore)):
            yield self._finding(UNUSED, ignore, {"why": why})

    def _is_used(self, ignore: Ignore) -> bool:
        """Tell whether an ignore hid a finding. An annotation in a base is used if any object built from the base uses it."""
        if ignore.at is None:
            return ignore in self.used
        return any((i.how, i.at, i.rule) == (ignore.how, ignore.at, ignore.rule) for i in self.used)

    def _why_unused(self, ignore: Ignore) -> str:
        """Return why an ignore hides nothing; "" if the run did not cover enough to know."""
        if not ignore.rule:
            return "has no list of rules; use ignore[area/rule] with a reason"
        rules = [r for r in self.catalogue.rules if names(ignore.rule, r.id)]
        if not rules:
            return f"matches no rule{rule_hint(ignore.rule, [r.id for r in self.catalogue.rules])}"
        if ignore.how == "comment":
            if ignore.lines[1] < 0:
                return "has no content below it"
            if not any("check" in r.modes for r in rules):
                return "matches only rules of a live cluster; use the annotation fluxdoctor.dev/ignore instead"
        return "hides nothing" if self._is_covered(ignore, rules) else ""

    def _is_covered(self, ignore: Ignore, rules: list[Rule]) -> bool:
        """Tell whether the run checked everything that the ignore could hide. A part that it did not read may have a finding."""
        if not self.is_complete or any(s.rule == "" for s in self.report.skipped):
            return False
        if not self._applies(ignore):
            return False
        blind = {s.rule for s in self.report.skipped}
        if self.report.mode == "check" and (ignore.how == "comment" or ignore.path):
            # An ignore in a repository's files cannot hide findings of rules that never run on a repository.
            never = {s.rule for s in self.report.skipped if not s.asked and s.subject is None}
            rules = [r for r in rules if "check" in r.modes and r.id not in never]
        ran = [r for r in rules if r.id in self.selected and self.report.mode in r.modes and r.id not in blind]
        return len(ran) == len(rules) > 0

    def _applies(self, ignore: Ignore) -> bool:
        """Tell whether an ignore applies to this run: a settings file may name clusters that the run did not read."""
        if ignore.how != "settings":
            return True
        if ignore.cluster:
            return any(ignore.is_for(name) for name in self.clusters)
        return self.report.mode == "check"

    def _outdated_baseline(self) -> Iterator[Finding]:
        """Yield one finding for the entries of the baseline that match nothing, although their rules ran."""
        if self.baseline is None or not self.is_complete or any(s.rule == "" for s in self.report.skipped):
            return
        blind = {s.rule for s in self.report.skipped if s.asked or s.subject}
        runs = {r.id for r in self.catalogue.rules if r.id in self.selected and self.report.mode in r.modes}
        removed_rules = {e.rule for e in self.baseline.entries} - {r.id for r in self.catalogue.rules}
        covered = (runs - blind) | removed_rules
        unmatched = [e for e in self.baseline.entries if e not in self.matched]
        outdated = [e for e in unmatched if e.rule in covered and self._is_of_mode(e)]
        if outdated:
            name, line = self.baseline.name, self.baseline.line
            first = Location(name, line(outdated[0]), 1)
            facts: dict[str, Fact] = {"count": len(outdated), "file": name}
            proof = tuple(Evidence.file(f"{e.rule} {e.object}: {e.message}", f"{name}:{line(e)}") for e in outdated)
            yield self._new_finding(OLD, Ref("File", "", name), first, "", facts, proof)

    def _is_of_mode(self, entry: BaselineEntry) -> bool:
        """Tell whether a run of this mode can match an entry: entries of repositories and of live clusters do not mix."""
        return bool(entry.cluster) == (self.report.mode == "check")

    def _finding(self, rule: str, ignore: Ignore, more: dict[str, Fact]) -> Finding:
        """Return a finding about an ignore; its subject is the annotated object or the file of the ignore."""
        subject = ignore.subject or Ref("File", "", ignore.at.file if ignore.at else self.settings_file)
        rules = ignore.rule or "no rule"
        key = " ".join(filter(None, (ignore.how, ignore.rule, ignore.path, ignore.object, ignore.cluster)))
        return self._new_finding(rule, subject, ignore.at, key, {"rules": rules, "where": ignore.where, **more}, ())

    def _new_finding(  # noqa: PLR0913, PLR0917 - the parts of a finding
        self, rule: str, subject: Ref, at: Location | None, key: str, facts: dict[str, Fact], proof: tuple[Evidence, ...]
    ) -> Finding:  # fmt: skip
        """Return a finding with the texts of the rule's page."""
        page = self.catalogue.get(rule)
        assert page  # noqa: S101 - one of the program's own pages
        facts = {"subject": subject, **facts}
        return Finding(
            rule=rule, severity=page.severity, confidence=Confidence.PROVEN, subject=subject,
            message=fill(page.message, facts), fix=fill(page.fix, facts), summary=page.summary, evidence=proof,
            facts=facts, location=at, key=key, url=page.url,
        )  # fmt: skip
