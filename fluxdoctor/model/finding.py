"""What rules say and what users read: Problem, Finding, Skipped, Report."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from fluxdoctor.model.gaps import Gap
from fluxdoctor.model.resource import Location, Ref


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """Something is broken, or will break when this is deployed."""
    WARNING = "warning"
    """It works, and is wrong or dangerous."""
    INFO = "info"
    """Worth knowing."""

    @property
    def weight(self) -> int:
        """0 for the worst, for sorting."""
        return ("error", "warning", "info").index(self.value)


class Confidence(StrEnum):
    """How it is known."""

    PROVEN = "proven"
    """Facts of the Snapshot show it."""
    REPORTED = "reported"
    """The controller's own message says it."""
    LIKELY = "likely"
    """Inferred."""

    @property
    def weight(self) -> int:
        """0 for the surest, for sorting."""
        return ("proven", "reported", "likely").index(self.value)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact that proves a finding, and where it can be seen."""

    what: str
    where: str = ""


#: A fact of a Problem: fills the rule's message and goes as it is into JSON.
Fact = str | int | Ref | tuple[str, ...] | tuple[Ref, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule says about one object.

    ``subject``: the object to change or look at. ``facts`` fill the rule's message and fix.
    ``field``: the field to change (``spec.path``). ``location``: where to change it, when that is another file than
    the subject's own. ``key`` tells two problems of one rule on one subject apart.
    ``because``: the objects that make the subject fail (a symptom), deeper than the subject itself.
    ``explains``: other failing objects that fail because of this problem. ``shared``: what this problem has in common
    with others of its rule (a host, a Secret): those become one finding. ``missing``: an object that would have to exist.
    """

    subject: Ref
    facts: Mapping[str, Fact] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    field: str = ""
    location: Location | None = None
    key: str = ""
    because: tuple[Ref, ...] = ()
    explains: tuple[Ref, ...] = ()
    shared: str = ""
    missing: Ref | None = None
    severity: Severity | None = None
    confidence: Confidence = Confidence.PROVEN


@dataclass(frozen=True, slots=True)
class Unknown:
    """What a rule could not judge, and why: it becomes a Skipped entry, never a guess."""

    subject: Ref
    why: str
    gap: Gap | None = None
    """What could not be read, if that is the reason."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A rule that did not run, or could not judge an object, and why.

    ``asked`` is False where the run never set out to collect what the rule needs: such an entry does not make the
    report incomplete. ``rule`` is "" for something that no collector could read.
    """

    rule: str
    subject: Ref | None
    why: str
    asked: bool = True
    gap: Gap | None = field(default=None, compare=False)
    """What could not be read, if that is the reason; ``why`` then says it as a sentence."""

    @classmethod
    def of_gap(cls, gap: Gap, rule: str = "", subject: Ref | None = None, *, asked: bool = True) -> Skipped:
        """Return the entry of something that could not be read."""
        return cls(rule, subject, str(gap), asked, gap)


@dataclass(frozen=True, slots=True)
class Frozen:
    """An object that is Ready but gets no changes: what it reads from, or what applies it, fails, ``since`` then."""

    ref: Ref
    revision: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a user reads: one cause, its proof, its fix, and what it blocks."""

    rule: str
    severity: Severity
    confidence: Confidence
    subject: Ref
    message: str
    fix: str
    summary: str = ""
    also: tuple[Ref, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    field: str = ""
    location: Location | None = None
    blocks: tuple[Ref, ...] = ()
    freezes: tuple[Frozen, ...] = ()
    key: str = ""
    url: str = ""
    clusters: tuple[str, ...] = ()
    """Of a repository: the clusters that it breaks."""

    @property
    def fingerprint(self) -> str:
        """The same in live, replay and repository mode: rule, subject and key, nothing that varies by run."""
        identity = "\0".join((self.rule, str(self.subject), self.key))
        return hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Ignored:
    """A finding that a report leaves out because someone said so: how, where, and why. What it blocks stays folded under it.

    ``how``: ``settings`` (a file), ``comment``, ``annotation`` or ``baseline``. ``where``: the place that says so.
    ``rule``: the rules that it names there. ``reason``: as written, "" where none is.
    """

    finding: Finding
    how: str
    where: str
    rule: str
    reason: str


class Verdict(StrEnum):
    """The report in one word."""

    HEALTHY = "healthy"
    BROKEN = "broken"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Report:
    """Findings ranked by root cause, what was not checked and why, and the verdict."""

    mode: str
    taken: datetime
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    objects: int
    not_ready: int
    rules: int
    versions: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    timings: Mapping[str, float] = field(default_factory=dict)
    ignored: tuple[Ignored, ...] = ()
    deselected: int = 0
    """How many findings the selection of rules left out; of a repository, summed over its clusters."""

    @property
    def is_hiding(self) -> bool:
        """Whether objects are not ready and findings, which may explain them, were ignored or left out."""
        return bool(self.not_ready and (self.ignored or self.deselected))

    @property
    def verdict(self) -> Verdict:
        """Broken with a finding of severity error or warning, or if the report hides what may be one.

        Incomplete if something that was asked for could not be read.
        """
        if self.is_hiding or any(f.severity is not Severity.INFO for f in self.findings):
            return Verdict.BROKEN
        return Verdict.INCOMPLETE if any(s.asked for s in self.skipped) else Verdict.HEALTHY
