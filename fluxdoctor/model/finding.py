"""What rules report and what users read: Problem, Finding, Skipped, Report."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from fluxdoctor.model.gaps import Gap
from fluxdoctor.model.resource import Location, Ref


class Severity(StrEnum):
    """How bad a problem is."""

    ERROR = "error"
    """Something is broken, or will break when this is deployed."""
    WARNING = "warning"
    """It works, but is wrong or dangerous."""
    INFO = "info"
    """Worth knowing."""

    @property
    def weight(self) -> int:
        """Return the sort key: 0 for the worst."""
        return ("error", "warning", "info").index(self.value)


class Confidence(StrEnum):
    """How a problem is known."""

    PROVEN = "proven"
    """Facts of the Snapshot show it."""
    REPORTED = "reported"
    """The controller's own message says it."""
    LIKELY = "likely"
    """Inferred."""

    @property
    def weight(self) -> int:
        """Return the sort key: 0 for the surest."""
        return ("proven", "reported", "likely").index(self.value)


class EvidenceKind(StrEnum):
    """What kind of thing proves a finding."""

    CONDITION = "condition"
    """A condition of an object's status, in the controller's words."""
    EVENT = "event"
    FIELD = "field"
    """A field of an object, or that an object exists or does not."""
    FILE = "file"
    """A line of a file in git, in a chart or in an index."""
    PROBE = "probe"
    """How a source answered fluxdoctor itself."""
    TIME = "time"
    """For how long it has been so."""

    @property
    def is_message(self) -> bool:
        """Tell whether it is what a controller says, or since when: its place needs no mention."""
        return self in (EvidenceKind.CONDITION, EvidenceKind.EVENT, EvidenceKind.TIME)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fact that proves a finding, and where it can be seen.

    ``where`` of an object is ``Kind/namespace/name`` or ``Kind/name``, then a space and the place in it; of a file,
    ``file:line``.
    """

    kind: EvidenceKind
    what: str
    where: str = ""

    @property
    def object(self) -> str:
        """The object, or the file and line."""
        return self.where.partition(" ")[0]

    @property
    def place(self) -> str:
        """The place in the object: a field, a condition or an event; "" if it is the object as a whole."""
        return self.where.partition(" ")[2]

    @classmethod
    def condition(cls, what: str, where: str) -> Evidence:
        """Return what a condition says."""
        return cls(EvidenceKind.CONDITION, what, where)

    @classmethod
    def event(cls, what: str, where: str) -> Evidence:
        """Return what an event says."""
        return cls(EvidenceKind.EVENT, what, where)

    @classmethod
    def field(cls, what: str, where: str = "") -> Evidence:
        """Return what a field of an object is, or that an object exists or does not."""
        return cls(EvidenceKind.FIELD, what, where)

    @classmethod
    def file(cls, what: str, where: str) -> Evidence:
        """Return what a file says."""
        return cls(EvidenceKind.FILE, what, where)

    @classmethod
    def probe(cls, what: str, where: str) -> Evidence:
        """Return how a source answered fluxdoctor."""
        return cls(EvidenceKind.PROBE, what, where)

    @classmethod
    def time(cls, what: str, where: str = "") -> Evidence:
        """Return for how long something has been so."""
        return cls(EvidenceKind.TIME, what, where)


#: A fact of a Problem: fills the rule's message, and is written to JSON unchanged.
Fact = str | int | Ref | tuple[str, ...] | tuple[Ref, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule reports about one object.

    ``subject``: the object to change or check. ``facts`` fill the rule's message and fix.
    ``field``: the field to change (``spec.path``). ``location``: where to change it, if that is not the subject's own file.
    ``key`` distinguishes two problems of one rule and one subject.
    ``because``: the objects that make the subject fail; the problem is a symptom then.
    ``explains``: other objects that fail because of this problem. ``shared``: what this problem has in common with others
    of its rule (a host, a Secret); those become one finding. ``missing``: an object that would have to exist.
    ``severity``: if it is not that of the rule.
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
    """An object that a rule could not judge, and why. It becomes a Skipped entry, never a guess."""

    subject: Ref
    why: str
    gap: Gap | None = None
    """What could not be read, if that is the reason."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A rule that did not run, or an object that a rule could not judge, and why.

    ``asked`` is False if the run was not meant to collect what the rule needs: such an entry does not make the report
    incomplete. ``rule`` is "" for something that no collector could read.
    """

    rule: str
    subject: Ref | None
    why: str
    asked: bool = True
    gap: Gap | None = field(default=None, compare=False)
    """What could not be read, if that is the reason; ``why`` is then its sentence."""

    @classmethod
    def of_gap(cls, gap: Gap, rule: str = "", subject: Ref | None = None, *, asked: bool = True) -> Skipped:
        """Return the entry for something that could not be read."""
        return cls(rule, subject, str(gap), asked, gap)


@dataclass(frozen=True, slots=True)
class Frozen:
    """An object that is Ready but gets no changes, because its source or what applies it has been failing ``since`` then."""

    ref: Ref
    revision: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a user reads: one cause, its proof, its fix, and what it affects.

    ``also``: other subjects with the same cause. ``blocks``: the objects that fail because of it. ``freezes``: the objects
    that are Ready and get no changes because of it.
    """

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
    """The clusters that it breaks, if the report is about a repository."""

    @property
    def fingerprint(self) -> str:
        """Return the identity of rule, subject and key: the same in each run and each mode."""
        identity = "\0".join((self.rule, str(self.subject), self.key))
        return hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Ignored:
    """A finding that a user excluded from the report. What it blocks stays folded under it.

    ``how``: ``settings`` (a file), ``comment``, ``annotation`` or ``baseline``. ``where``: the place of the exclusion.
    ``rule``: the rules that it excludes. ``reason``: the user's text, "" if there is none.
    """

    finding: Finding
    how: str
    where: str
    rule: str
    reason: str


class Verdict(StrEnum):
    """The result of a report in one word."""

    HEALTHY = "healthy"
    BROKEN = "broken"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Report:
    """The findings in their order, what was not checked and why, and the verdict."""

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
        """Return broken if a finding is an error or a warning, or if the report hides what may be one.

        Incomplete if something requested could not be read.
        """
        if self.is_hiding or any(f.severity is not Severity.INFO for f in self.findings):
            return Verdict.BROKEN
        return Verdict.INCOMPLETE if any(s.asked for s in self.skipped) else Verdict.HEALTHY
