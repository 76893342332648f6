"""The settings as values, each with the place that says so; what is ignored, and why."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Generic, TypeVar

from fluxdoctor.model.finding import Finding, Severity
from fluxdoctor.model.resource import Location, Ref

T = TypeVar("T")

DEFAULT, COMMAND = "default", "command line"
FAIL_ON = (*(s.value for s in Severity), "never")


class SettingsError(Exception):
    """A settings file or a baseline that cannot be used; the text says where (file:line), what is wrong and what to write."""


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """A value, and where it is from: ``default``, ``FILE:LINE`` or ``command line``."""

    value: T
    where: str = DEFAULT


@dataclass(frozen=True, slots=True)
class Ignore:
    """Rules whose findings are not wanted, of what, and why.

    ``how``: ``settings``, ``comment`` or ``annotation``. ``rule``: one glob over rule ids, or an area. ``path``, ``object``
    and ``cluster`` are globs, "" for any. ``lines``: of a comment, the first and last line that it speaks of.
    ``subject``: of an annotation, the object that bears it. ``at``: where it is written, None on a live object.
    ``expires``: the last day on which it hides anything.
    """

    how: str
    rule: str
    reason: str = ""
    at: Location | None = None
    path: str = ""
    object: str = ""
    cluster: str = ""
    expires: date | None = None
    lines: tuple[int, int] = (0, 0)
    subject: Ref | None = None

    @property
    def where(self) -> str:
        """The place that says so, as people write it."""
        return str(self.at or self.subject or "")

    def is_expired(self, today: date) -> bool:
        """Tell whether its last day is over."""
        return self.expires is not None and today > self.expires

    def hides(self, finding: Finding, cluster: str, start: Location | None) -> bool:
        """Tell whether the finding is one of those that are not wanted.

        Every object with the finding's cause is to be meant: what one team accepts, another may not. ``start``: where the
        finding's subject begins.
        """
        if not names(self.rule, finding.rule):
            return False
        if self.how == "comment":
            return any(self._speaks_of(place) for place in (finding.location, start))
        refs = (finding.subject, *finding.also)
        if self.how == "annotation":
            return self.subject in refs
        return (
            (not self.path or (finding.location is not None and is_below(finding.location.file, self.path)))
            and (not self.object or all(fnmatch.fnmatchcase(str(ref), self.object) for ref in refs))
            and self.is_for(cluster)
        )

    def is_for(self, cluster: str) -> bool:
        """Tell whether it speaks of a cluster."""
        return not self.cluster or fnmatch.fnmatchcase(cluster, self.cluster)

    def _speaks_of(self, place: Location | None) -> bool:
        if place is None or self.at is None or place.file != self.at.file:
            return False
        return self.lines[0] <= place.line <= self.lines[1]


def names(glob: str, rule: str) -> bool:
    """Tell whether a glob over ids, or an area, names a rule."""
    return fnmatch.fnmatchcase(rule, glob) or rule.partition("/")[0] == glob


def is_below(file: str, glob: str) -> bool:
    """Tell whether a file, or a folder that it is in, matches a glob; ``*`` crosses slashes."""
    glob = glob.removeprefix("./").rstrip("/")
    parts = file.split("/")
    return any(fnmatch.fnmatchcase("/".join(parts[:end]), glob) for end in range(1, len(parts) + 1))


@dataclass(frozen=True, slots=True)
class Settings:
    """What is in force.

    ``select``: only these rules, all where none is named; ``without``: rules that are left out; ``severities``: of rules by
    glob. ``baseline``: the file of what is known. ``file`` and ``baseline_name``: how reports call these files, "" without one.
    """

    file: str = ""
    baseline_name: str = ""
    fail_on: Setting[str] = field(default_factory=lambda: Setting("error"))
    select: Setting[tuple[str, ...]] = field(default_factory=lambda: Setting(()))
    without: Setting[tuple[str, ...]] = field(default_factory=lambda: Setting(()))
    baseline: Setting[Path | None] = field(default_factory=lambda: Setting(None))
    severities: tuple[tuple[str, Setting[Severity]], ...] = ()
    ignores: tuple[Ignore, ...] = ()

    def severity(self, rule: str) -> Severity | None:
        """Return the severity that is set for a rule: an id wins over a glob, and a longer glob over a shorter one."""
        fitting = [(g == rule, len(g), setting.value) for g, setting in self.severities if names(g, rule)]
        return max(fitting, key=lambda f: f[:2])[2] if fitting else None
