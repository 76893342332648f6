"""Applies a team's policy to the reports of one run. It acts after the fold, so a hidden cause still explains what it blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date

from fluxdoctor import engine
from fluxdoctor.model.finding import Finding, Ignored, Report
from fluxdoctor.model.resource import Location
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Catalogue
from fluxdoctor.settings import baseline, notes, on_objects
from fluxdoctor.settings.baseline import Baseline, BaselineEntry
from fluxdoctor.settings.values import Ignore, Settings

#: Which kind of ignore is named if several match, the first first.
_PRECEDENCE = ("comment", "annotation", "settings")


class Policy:
    """The settings, the comments in a repository's files and a baseline, and which of them matched in this run.

    Call ``hide`` for each snapshot, then ``finish`` once, with the report of all.
    """

    def __init__(
        self,
        settings: Settings,
        comments: Iterable[Ignore] = (),
        accepted_findings: Baseline | None = None,
        *,
        heeds: bool = True,
    ) -> None:
        """``heeds``: annotations on objects count."""
        self._heeds = heeds
        self.settings = settings
        self._baseline = accepted_findings
        self._accepted = {e.identity: e for e in accepted_findings.entries} if accepted_findings else {}
        self._ignores = sorted((*comments, *settings.ignores), key=lambda i: _PRECEDENCE.index(i.how))
        self._annotations: dict[Ignore, None] = {}
        self._used: set[Ignore] = set()
        self._matched: set[BaselineEntry] = set()
        self._new_entries: dict[BaselineEntry, None] = {}
        self._clusters: dict[str, None] = {}

    @property
    def entries(self) -> tuple[BaselineEntry, ...]:
        """The entries of a baseline of this run: every finding that no ignore hides."""
        return tuple(self._new_entries)

    def hide(self, report: Report, snapshot: Snapshot, place: Callable[[str], str] | None = None) -> Report:
        """Set the severities, and move ignored findings from ``findings`` to ``ignored``.

        ``place`` converts a path of the cluster's artifact into a path of the repository, as comments and settings have it.
        """
        self._clusters[snapshot.name] = None
        on_cluster = on_objects.read(snapshot.cluster) if self._heeds else ()
        annotations = [replace(i, at=_relocate(i.at, place)) for i in on_cluster]
        self._annotations |= dict.fromkeys(annotations)
        visible: list[Finding] = []
        ignored = list(report.ignored)
        for finding in sorted(map(self._with_severity, report.findings), key=lambda f: f.severity.weight):
            entry = self._ignored(finding, snapshot, annotations, place)
            if entry:
                ignored.append(entry)
            else:
                visible.append(finding)
        return replace(report, findings=tuple(visible), ignored=tuple(ignored))

    def finish(
        self, report: Report, catalogue: Catalogue, *, only: Sequence[str] = (), ignore: Sequence[str] = (), whole: bool
    ) -> Report:
        """Add the findings about the ignores themselves.

        ``only`` and ``ignore``: the selection of rules. ``whole``: the run covered every cluster and namespace.
        """
        selected = {r.id for r in engine.select(catalogue.rules, only, ignore)}
        selected |= {r.id for r in engine.select(catalogue.rules, [notes.AREA], ignore)}
        findings = notes.Audit(
            report=report, catalogue=catalogue, selected=frozenset(selected), is_complete=whole,
            clusters=tuple(self._clusters), ignores=(*self._ignores, *self._annotations), used=frozenset(self._used),
            baseline=self._baseline, matched=frozenset(self._matched), settings_file=self.settings.file,
        ).findings()  # fmt: skip
        own = [self._with_severity(f) for f in findings if f.rule in selected]
        return replace(report, findings=tuple(sorted((*report.findings, *own), key=lambda f: f.severity.weight)))

    def accepted(self, report: Report, name: str) -> Report:
        """Return the report with every finding moved to the baseline just written, except findings about ignores."""
        own = [f for f in report.findings if f.rule.startswith(f"{notes.AREA}/")]
        accepted = [Ignored(f, "baseline", name, f.rule, "") for f in report.findings if f not in own]
        return replace(report, findings=tuple(own), ignored=(*report.ignored, *accepted))

    def _with_severity(self, finding: Finding) -> Finding:
        """Return the finding with the severity that the settings have for its rule."""
        severity = self.settings.severity(finding.rule) if self.settings.severities else None
        return replace(finding, severity=severity) if severity else finding

    def _ignored(
        self, finding: Finding, snapshot: Snapshot, annotations: Sequence[Ignore], place: Callable[[str], str] | None
    ) -> Ignored | None:
        """Return the entry for a finding that an ignore or the baseline hides, or None. Note which of them matched."""
        relocated = replace(finding, location=_relocate(finding.location, place))
        today = snapshot.taken.date()
        start = self._subject_start(relocated, snapshot, place)
        matches = [i for i in self._ignores if i.hides(relocated, snapshot.name, start)]
        matches = _in_force([*matches, *_matching_annotations(finding, annotations)], today)
        self._used.update(matches)
        cluster = _baseline_cluster(snapshot)
        entries = [self._accepted[i] for i in sorted(baseline.identities(finding, cluster)) if i in self._accepted]
        self._matched.update(entries)
        if matches:
            first = matches[0]
            return Ignored(finding, first.how, first.where, first.rule, first.reason)
        self._new_entries[baseline.entry(finding, cluster)] = None
        if self._baseline is None or not entries:
            return None
        return Ignored(finding, "baseline", self._baseline.name, finding.rule, "")

    def _subject_start(
        self, finding: Finding, snapshot: Snapshot, place: Callable[[str], str] | None
    ) -> Location | None:
        """Return where the finding's subject begins, for comments; None if there are no comments or the line is unknown."""
        if not any(i.how == "comment" for i in self._ignores):
            return None
        resource = snapshot.cluster.get(finding.subject)
        at = resource.at() if resource else None
        return _relocate(at, place) if at and at.line else None


def _baseline_cluster(snapshot: Snapshot) -> str:
    """Return the cluster's name in a baseline: the entry point in a repository; "" for a live one, whose name varies by user."""
    return snapshot.name if snapshot.mode == "check" else ""


def _matching_annotations(finding: Finding, annotations: Sequence[Ignore]) -> list[Ignore]:
    """Return the annotations that hide a finding; every object with its cause must have one."""
    matches = [i for i in annotations if i.hides(finding, "", None)]
    return matches if {i.subject for i in matches} >= {finding.subject, *finding.also} else []


def _in_force(ignores: Sequence[Ignore], today: date) -> list[Ignore]:
    """Return the ignores that have not expired, by precedence."""
    return sorted((i for i in ignores if not i.is_expired(today)), key=lambda i: _PRECEDENCE.index(i.how))


def _relocate(at: Location | None, place: Callable[[str], str] | None) -> Location | None:
    """Return a location of the artifact as one of the repository."""
    return Location(place(at.file), at.line, at.column) if at and place else at
