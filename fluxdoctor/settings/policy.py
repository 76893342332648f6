"""What a team decided, applied to the reports of one run: after the fold, so that what a hidden cause blocks stays its own."""

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

_FIRST = ("comment", "annotation", "settings")


class Policy:
    """The settings, the comments of a repository's files and a baseline; and what of them was of use in this run.

    ``hide`` is called for each snapshot, ``finish`` once, for the report of all.
    """

    def __init__(
        self, settings: Settings, comments: Iterable[Ignore] = (), known: Baseline | None = None, *, heeds: bool = True
    ) -> None:
        """``known``: the findings that are neither shown nor fail; ``heeds``: what objects bear counts."""
        self._heeds = heeds
        self.settings = settings
        self._known = known
        self._known_by = {e.identity: e for e in known.entries} if known else {}
        self._ignores = sorted((*comments, *settings.ignores), key=lambda i: _FIRST.index(i.how))
        self._annotations: dict[Ignore, None] = {}
        self._used: set[Ignore] = set()
        self._met: set[BaselineEntry] = set()
        self._entries: dict[BaselineEntry, None] = {}
        self._clusters: dict[str, None] = {}

    @property
    def entries(self) -> tuple[BaselineEntry, ...]:
        """What a baseline of this run would hold: every finding that no ignore hides."""
        return tuple(self._entries)

    def hide(self, report: Report, snapshot: Snapshot, place: Callable[[str], str] | None = None) -> Report:
        """Set the severities, and move what is not wanted from the findings to the ignored.

        ``place`` turns a path of the cluster's artifact into one of the repository: what comments and settings speak of.
        """
        self._clusters[snapshot.name] = None
        held = on_objects.read(snapshot.cluster) if self._heeds else ()
        borne = [replace(i, at=_moved(i.at, place)) for i in held]
        self._annotations |= dict.fromkeys(borne)
        shown: list[Finding] = []
        ignored = list(report.ignored)
        for finding in sorted(map(self._judged, report.findings), key=lambda f: f.severity.weight):
            said = self._said(finding, snapshot, borne, place)
            if said:
                ignored.append(said)
            else:
                shown.append(finding)
        return replace(report, findings=tuple(shown), ignored=tuple(ignored))

    def finish(
        self, report: Report, catalogue: Catalogue, *, only: Sequence[str] = (), ignore: Sequence[str] = (), whole: bool
    ) -> Report:
        """Add what is to be said of the ignores themselves.

        ``only`` and ``ignore``: how the rules were chosen; ``whole``: nothing was left out of what the run looks at.
        """
        kept = {r.id for r in engine.select(catalogue.rules, only, ignore)}
        kept |= {r.id for r in engine.select(catalogue.rules, [notes.AREA], ignore)}
        found = notes.Audit(
            report=report, catalogue=catalogue, kept=frozenset(kept), whole=whole, clusters=tuple(self._clusters),
            ignores=(*self._ignores, *self._annotations), used=frozenset(self._used),
            known=self._known, met=frozenset(self._met), settings=self.settings.file,
        ).findings()  # fmt: skip
        judged = [self._judged(f) for f in found if f.rule in kept]
        return replace(report, findings=tuple(sorted((*report.findings, *judged), key=lambda f: f.severity.weight)))

    def accepted(self, report: Report, name: str) -> Report:
        """Take every finding as one of a baseline that was just written, but for what is said of the ignores."""
        own = [f for f in report.findings if f.rule.startswith(f"{notes.AREA}/")]
        known = [Ignored(f, "baseline", name, f.rule, "") for f in report.findings if f not in own]
        return replace(report, findings=tuple(own), ignored=(*report.ignored, *known))

    def _judged(self, finding: Finding) -> Finding:
        severity = self.settings.severity(finding.rule) if self.settings.severities else None
        return replace(finding, severity=severity) if severity else finding

    def _said(
        self, finding: Finding, snapshot: Snapshot, borne: Sequence[Ignore], place: Callable[[str], str] | None
    ) -> Ignored | None:
        told = replace(finding, location=_moved(finding.location, place))
        today = snapshot.taken.date()
        start = self._start(told, snapshot, place)
        hiding = [i for i in self._ignores if i.hides(told, snapshot.name, start)]
        hiding = _in_force([*hiding, *_of_all(finding, borne)], today)
        self._used.update(hiding)
        cluster = _cluster(snapshot)
        met = [self._known_by[i] for i in sorted(baseline.identities(finding, cluster)) if i in self._known_by]
        self._met.update(met)
        if hiding:
            first = hiding[0]
            return Ignored(finding, first.how, first.where, first.rule, first.reason)
        self._entries[baseline.entry(finding, cluster)] = None
        if self._known is None or not met:
            return None
        return Ignored(finding, "baseline", self._known.name, finding.rule, "")

    def _start(self, finding: Finding, snapshot: Snapshot, place: Callable[[str], str] | None) -> Location | None:
        """Return where the finding's subject begins; where that is not known, nothing."""
        if not any(i.how == "comment" for i in self._ignores):
            return None
        resource = snapshot.cluster.get(finding.subject)
        at = resource.at() if resource else None
        return _moved(at, place) if at and at.line else None


def _cluster(snapshot: Snapshot) -> str:
    """Return the cluster as a baseline names it: of a repository its entry point; a live one has another name for everyone."""
    return snapshot.name if snapshot.mode == "check" else ""


def _of_all(finding: Finding, borne: Sequence[Ignore]) -> list[Ignore]:
    """Return the annotations that hide a finding: each object with its cause is to bear one."""
    fitting = [i for i in borne if i.hides(finding, "", None)]
    return fitting if {i.subject for i in fitting} >= {finding.subject, *finding.also} else []


def _in_force(ignores: Sequence[Ignore], today: date) -> list[Ignore]:
    return sorted((i for i in ignores if not i.is_expired(today)), key=lambda i: _FIRST.index(i.how))


def _moved(at: Location | None, place: Callable[[str], str] | None) -> Location | None:
    return Location(place(at.file), at.line, at.column) if at and place else at
