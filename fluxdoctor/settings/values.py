"""The settings as values, each with the place that it comes from; the ignores and their reasons."""

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
    """A settings file or a baseline is invalid. The text says where (file:line), what is wrong and what to write."""


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """A value and its origin: ``default``, ``FILE:LINE`` or ``command line``."""

    value: T
    where: str = DEFAULT


@dataclass(frozen=True, slots=True)
class Ignore:
    """An accepted risk: the rules whose findings are hidden, for which objects or files, and why.

    ``how``: ``settings``, ``comment`` or ``annotation``. ``rule``: a glob over rule ids, or an area. ``path``, ``object``
    and ``cluster`` are globs, "" for any. ``lines``: the first and last line that a comment applies to.
    ``subject``: the object that has the annotation. ``at``: its location in a file, None on a live object.
    ``expires``: the last day on which it is in force.
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
        """The location of the ignore, for reports: ``file:line`` or the object."""
        return str(self.at or self.subject or "")

    def is_expired(self, today: date) -> bool:
        """Tell whether its last day has passed."""
        return self.expires is not None and today > self.expires

    def hides(self, finding: Finding, cluster: str, start: Location | None) -> bool:
        """Tell whether the ignore hides a finding.

        It must match every object with the finding's cause, because another team may not accept the risk. ``start``: where
        the finding's subject begins.
        """
        if not names(self.rule, finding.rule):
            return False
        if self.how == "comment":
            return any(self._covers(place) for place in (finding.location, start))
        refs = (finding.subject, *finding.also)
        if self.how == "annotation":
            return self.subject in refs
        return (
            (not self.path or (finding.location is not None and is_below(finding.location.file, self.path)))
            and (not self.object or all(fnmatch.fnmatchcase(str(ref), self.object) for ref in refs))
            and self.is_for(cluster)
        )

    def is_for(self, cluster: str) -> bool:
        """Tell whether the ignore applies to a cluster."""
        return not self.cluster or fnmatch.fnmatchcase(cluster, self.cluster)

    def _covers(self, place: Location | None) -> bool:
        """Tell whether a comment applies to a line."""
        if place is None or self.at is None or place.file != self.at.file:
            return False
        return self.lines[0] <= place.line <= self.lines[1]


def names(glob: str, rule: str) -> bool:
    """Tell whether a glob over rule ids, or an area, matches a rule."""
    return fnmatch.fnmatchcase(rule, glob) or rule.partition("/")[0] == glob


def is_below(file: str, glob: str) -> bool:
    """Tell whether a file or one of its folders matches a glob; ``*`` matches slashes too."""
    glob = glob.removeprefix("./").rstrip("/")
    parts = file.split("/")
    return any(fnmatch.fnmatchcase("/".join(parts[:end]), glob) for end in range(1, len(parts) + 1))


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force.

    ``select``: the rules that run, all if empty; ``without``: rules that do not run; ``severities``: severities by glob over
    rule ids. ``baseline``: the file of accepted findings. ``file`` and ``baseline_name``: the names of these files in reports,
    "" without one.
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
        """Return the severity that is set for a rule, if any: an id wins over a glob, and a longer glob over a shorter one."""
        matches = [(g == rule, len(g), setting.value) for g, setting in self.severities if names(g, rule)]
        return max(matches, key=lambda match: match[:2])[2] if matches else None
