"""What is to be said of the ignores themselves: without a reason, expired, or of no use any more."""

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
    """What a run knows of its ignores: all that there are, those that hid something, and how far the run looked.

    ``kept``: the ids of the rules that were chosen. ``whole``: nothing was left out of what the run looks at. ``met``: the
    entries of the baseline ``known`` that were found again. ``settings``: the settings file as reports name it.
    """

    report: Report
    catalogue: Catalogue
    kept: frozenset[str]
    whole: bool
    clusters: tuple[str, ...]
    ignores: tuple[Ignore, ...]
    used: frozenset[Ignore]
    known: Baseline | None
    met: frozenset[BaselineEntry]
    settings: str

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings, by place."""
        found = [f for ignore in self.ignores for f in self._of(ignore)]
        found += self._old()
        found.sort(key=lambda f: (f.location or Location(""), f.rule, str(f.subject), f.key))
        said: dict[object, Finding] = {}
        for one in found:  # an annotation of a base is one thing to mend, however many objects are made of it
            said.setdefault((one.rule, one.location or one.subject, one.key), one)
        return tuple(said.values())

    def _of(self, ignore: Ignore) -> Iterator[Finding]:
        if ignore.is_expired(self.report.taken.date()):
            yield self._finding(EXPIRED, ignore, {"expired": str(ignore.expires), "reason": ignore.reason or "none"})
            return
        if not ignore.reason:
            yield self._finding(REASONLESS, ignore, {})
        if not self._is_used(ignore) and (why := self._idle(ignore)):
            yield self._finding(UNUSED, ignore, {"why": why})

    def _is_used(self, ignore: Ignore) -> bool:
        """What stands at one place of a base is of use where any object that is made of it needs it."""
        if ignore.at is None:
            return ignore in self.used
        return any((i.how, i.at, i.rule) == (ignore.how, ignore.at, ignore.rule) for i in self.used)

    def _idle(self, ignore: Ignore) -> str:
        """Say why an ignore is of no use; "" where that cannot be known."""
        if not ignore.rule:
            return "names no rule: write ignore[area/rule] and the reason"
        fitting = [r for r in self.catalogue.rules if names(ignore.rule, r.id)]
        if not fitting:
            return f"names no rule{rule_hint(ignore.rule, [r.id for r in self.catalogue.rules])}"
        if ignore.how == "comment":
            if ignore.lines[1] < 0:
                return "stands above nothing"
            if not any("check" in r.modes for r in fitting):
                return "names what only a live cluster shows; the annotation fluxdoctor.dev/ignore is for that"
        return "hides nothing" if self._is_judged(ignore, fitting) else ""

    def _is_judged(self, ignore: Ignore, fitting: list[Rule]) -> bool:
        """Tell whether everything was looked at that the ignore could hide. What was not seen may still be there."""
        if not self.whole or any(s.rule == "" for s in self.report.skipped):
            return False
        if not self._is_here(ignore):
            return False
        blind = {s.rule for s in self.report.skipped}
        if self.report.mode == "check" and (ignore.how == "comment" or ignore.path):
            # What a repository can never show is no matter for a place in its files.
            never = {s.rule for s in self.report.skipped if not s.asked and s.subject is None}
            fitting = [r for r in fitting if "check" in r.modes and r.id not in never]
        ran = [r for r in fitting if r.id in self.kept and self.report.mode in r.modes and r.id not in blind]
        return len(ran) == len(fitting) > 0

    def _is_here(self, ignore: Ignore) -> bool:
        """Tell whether an ignore is one for what was looked at: a file may speak of clusters that this run knows nothing of."""
        if ignore.how != "settings":
            return True
        if ignore.cluster:
            return any(ignore.is_for(name) for name in self.clusters)
        return self.report.mode == "check"

    def _old(self) -> Iterator[Finding]:
        if self.known is None or not self.whole or any(s.rule == "" for s in self.report.skipped):
            return
        blind = {s.rule for s in self.report.skipped if s.asked or s.subject}
        runs = {r.id for r in self.catalogue.rules if r.id in self.kept and self.report.mode in r.modes}
        gone_rules = {e.rule for e in self.known.entries} - {r.id for r in self.catalogue.rules}
        judged = (runs - blind) | gone_rules
        old = [e for e in self.known.entries if e not in self.met and e.rule in judged and self._is_of_mode(e)]
        if old:
            first = Location(self.known.name, self.known.line(old[0]), 1)
            about: dict[str, Fact] = {"count": len(old), "file": self.known.name}
            proof = tuple(
                Evidence(f"{e.rule} {e.object}: {e.message}", f"{self.known.name}:{self.known.line(e)}") for e in old
            )
            yield self._made(OLD, Ref("File", "", self.known.name), first, "", about, proof)

    def _is_of_mode(self, entry: BaselineEntry) -> bool:
        """An entry of a live cluster is nothing that a repository could show again, and the other way round."""
        return bool(entry.cluster) == (self.report.mode == "check")

    def _finding(self, rule: str, ignore: Ignore, more: dict[str, Fact]) -> Finding:
        subject = ignore.subject or Ref("File", "", ignore.at.file if ignore.at else self.settings)
        rules = ignore.rule or "no rule"
        key = " ".join(filter(None, (ignore.how, ignore.rule, ignore.path, ignore.object, ignore.cluster)))
        return self._made(rule, subject, ignore.at, key, {"rules": rules, "where": ignore.where, **more}, ())

    def _made(  # noqa: PLR0913, PLR0917 - what a finding is made of
        self, rule: str, subject: Ref, at: Location | None, key: str, facts: dict[str, Fact], proof: tuple[Evidence, ...]
    ) -> Finding:  # fmt: skip
        page = self.catalogue.get(rule)
        assert page  # noqa: S101 - one of the program's own pages
        facts = {"subject": subject, **facts}
        return Finding(
            rule=rule, severity=page.severity, confidence=Confidence.PROVEN, subject=subject,
            message=fill(page.message, facts), fix=fill(page.fix, facts), summary=page.summary, evidence=proof,
            facts=facts, location=at, key=key, url=page.url,
        )  # fmt: skip
