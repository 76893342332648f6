"""Semantic versions and version constraints, parsed as Flux parses them.

This follows github.com/Masterminds/semver/v3 v3.5.0 exactly, including its surprises: any other reading would select another
version than the controllers do. See NOTICE for its licence.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from fluxdoctor.model import go_regex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# Go counts bytes. Counting characters is equivalent, because a text that is not ASCII is rejected anyway.
_VERSION_LIMIT, _CONSTRAINT_LIMIT, _QUOTE_LIMIT = 256, 512, 80
_GROUP_LIMIT: Final = 32
_NUMBER_LIMIT: Final = 2**64
_MAJOR, _MINOR, _PATCH = 1, 2, 3

# Go's \s does not include the vertical tab and characters that are not ASCII; Python's does.
_BLANKS: Final = "\t\n\f\r "
_BLANK = rf"[{_BLANKS}]"
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_TAIL = rf"(?:-({_IDENTIFIERS}))?(?:\+({_IDENTIFIERS}))?"
# The stray "|" is Go's: it makes "1||2 - 3" one range from "1||2", so it means ">=1 || 2 <=3".
_NUMBER = r"[0-9|xX*]+"
_PATTERN = rf"v?({_NUMBER})(?:\.({_NUMBER}))?(?:\.({_NUMBER}))?{_TAIL}"

_VERSION = re.compile(rf"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?{_TAIL}")
_RANGE = rf"{_BLANK}*(?P<low>{_PATTERN}){_BLANK}+-{_BLANK}+(?P<high>{_PATTERN}){_BLANK}*"
_HYPHEN = re.compile(rf"{_BLANK}-{_BLANK}")
# Go checks a whole group with one pattern that can split blanks between clauses in many ways. That is harmless in Go, but
# takes exponential time in an engine that backtracks. Clause by clause, each with the gap after it, there is one way.
_CLAUSE = re.compile(
    rf"(?P<operator>[!<>]=|=[<>]|~>|[=<>~^]|){_BLANK}*(?P<target>{_PATTERN})"
    rf"(?P<gap>{_BLANK}*,{_BLANK}*|{_BLANK}+|\Z)",
)

# Numbers sort before words, and both before a release: 1.0.0-2 < 1.0.0-rc < 1.0.0.
_Part = tuple[int, int, str]
_RELEASE: Final[tuple[_Part, ...]] = ((2, 0, ""),)


class InvalidVersion(ValueError):  # noqa: N818 - reads as the finding it becomes
    """A text is not a semantic version."""


class InvalidConstraint(ValueError):  # noqa: N818 - reads as the finding it becomes
    """A text is not a version constraint."""


@dataclass(frozen=True, order=True, slots=True)
class Version:
    """A semantic version. Versions compare by precedence, so build metadata and spelling do not matter."""

    major: int
    minor: int
    patch: int
    _rank: tuple[_Part, ...] = field(init=False, repr=False)
    prerelease: str = field(compare=False)
    metadata: str = field(compare=False)
    text: str = field(compare=False)

    def __post_init__(self) -> None:
        rank = tuple(map(_part, self.prerelease.split("."))) if self.prerelease else _RELEASE
        object.__setattr__(self, "_rank", rank)

    @classmethod
    def parse(cls, text: str) -> Version:
        """Parse a version as loosely as Go's NewVersion: a leading v, missing and zero-padded numbers are valid.

        Raises InvalidVersion, which quotes the text.
        """
        if len(text) > _VERSION_LIMIT:
            raise InvalidVersion(f"version longer than {_VERSION_LIMIT} characters: {_quote(text)}")
        match = _VERSION.fullmatch(text)
        if match is None:
            raise InvalidVersion(f"not a semantic version: {_quote(text)}")
        major, minor, patch = (int(number or "0") for number in match.group(1, 2, 3))
        if max(major, minor, patch) >= _NUMBER_LIMIT:
            raise InvalidVersion(f"version with a number beyond 64 bits: {_quote(text)}")
        prerelease, metadata = match[4] or "", match[5] or ""
        if any(part.isdigit() and part != "0" and part[0] == "0" for part in prerelease.split(".")):
            raise InvalidVersion(f"version with a prerelease number that starts with 0: {_quote(text)}")
        return cls(major, minor, patch, prerelease, metadata, text)

    def first(self, count: int) -> tuple[int, ...]:
        """Return the first ``count`` of major, minor and patch."""
        return (self.major, self.minor, self.patch)[:count]


# An operator, its target, and its precision: how many numbers of the target precede the first wildcard or the end.
# With precision 0 the target is 0.0.0, and most operators compare with exactly that version: ^* allows only 0.0.0.
_Clause = tuple[str, Version, int]


@dataclass(frozen=True, slots=True)
class Constraint:
    """A version constraint: alternatives, each a group of clauses that must all be true."""

    text: str
    _groups: tuple[tuple[_Clause, ...], ...] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Constraint:
        """Parse a constraint such as ``>=1.2 <2 || ^3``; an empty text is invalid, as in Go.

        Raises InvalidConstraint, which quotes the text.
        """
        if len(text) > _CONSTRAINT_LIMIT:
            raise InvalidConstraint(f"constraint longer than {_CONSTRAINT_LIMIT} characters: {_quote(text)}")
        groups = _without_ranges(text).split("||")
        if len(groups) > _GROUP_LIMIT:
            raise InvalidConstraint(f"constraint of more than {_GROUP_LIMIT} alternatives: {_quote(text)}")
        return cls(text, tuple(_clauses(group.strip(_BLANKS), text) for group in groups))

    @property
    def wants_prerelease(self) -> bool:
        """Tell whether an alternative allows prereleases."""
        return any(map(_names_prerelease, self._groups))

    @property
    def is_empty(self) -> bool:
        """Tell whether no version satisfies it. Each range of versions that do begins at a target or right after one."""
        targets = [target for group in self._groups for _, target, _ in group]
        return not any(self.allows(version) for target in targets for version in _around(target))

    def allows(self, version: Version) -> bool:
        """Tell whether a version satisfies the constraint."""
        return any(
            (not version.prerelease or _names_prerelease(group))
            and all(_OPERATORS[operator](version, target, precision) for operator, target, precision in group)
            for group in self._groups
        )


def is_empty(constraint: str) -> bool:
    """Tell whether no version can satisfy a constraint, such as ``>=2 <1``. Raises InvalidConstraint."""
    return Constraint.parse(constraint).is_empty


def _around(target: Version) -> Iterable[Version]:
    """Yield the lowest version of all, a version itself, and the versions right after it by each of its numbers."""
    major, minor, patch = target.first(_PATCH)
    texts = ["0.0.0", f"{major}.{minor}.{patch + 1}", f"{major}.{minor + 1}.0", f"{major + 1}.0.0"]
    yield target
    for text in texts:
        yield Version.parse(text)
        if target.prerelease:
            yield Version.parse(f"{text}-0")
    if target.prerelease:
        yield Version.parse(f"{major}.{minor}.{patch}")
        yield Version.parse(f"{major}.{minor}.{patch}-{target.prerelease}.0")


def satisfying(constraint: str, versions: Iterable[str]) -> tuple[str, ...]:
    """Return the versions that satisfy a constraint, newest first, without texts that are not versions.

    Raises InvalidConstraint.
    """
    condition = Constraint.parse(constraint)
    return tuple(version.text for version in _newest(versions) if condition.allows(version))


def newest_first(versions: Iterable[str]) -> tuple[str, ...]:
    """Return the versions newest first, then the texts that are not versions; equal versions and texts in text order."""
    texts = sorted(versions)
    newest = [version.text for version in _newest(texts)]
    valid = set(newest)
    return (*newest, *(text for text in texts if text not in valid))


def _newest(texts: Iterable[str]) -> list[Version]:
    versions = []
    for text in sorted(texts):  # the second sort is stable, so equal versions stay in text order
        with suppress(InvalidVersion):
            versions.append(Version.parse(text))
    return sorted(versions, reverse=True)


def _part(identifier: str) -> _Part:
    # Go compares a number beyond 64 bits as a word.
    if identifier.isdigit() and int(identifier) < _NUMBER_LIMIT:
        return (0, int(identifier), "")
    return (1, 0, identifier)


def _quote(text: str) -> str:
    return repr(text) if len(text) <= _QUOTE_LIMIT else f"{text[:_QUOTE_LIMIT]!r}..."


def _names_prerelease(group: tuple[_Clause, ...]) -> bool:
    return any(target.prerelease for _, target, _ in group)


def _without_ranges(text: str) -> str:
    # Go replaces by text, not by position, and so the first occurrence only.
    comparisons = text
    for match in go_regex.occurrences(_RANGE, text) if _HYPHEN.search(text) else ():
        comparisons = comparisons.replace(match[0], f">= {match['low']}, <= {match['high']} ", 1)
    return comparisons


def _clauses(group: str, text: str) -> tuple[_Clause, ...]:
    clauses: list[_Clause] = []
    position, gap = 0, " "
    while gap:
        match = _CLAUSE.match(group, position)
        if match is None:
            raise InvalidConstraint(f"not a version constraint: {_quote(text)}")
        clauses.append(_clause(match, text))
        position, gap = match.end(), match["gap"]
    return tuple(clauses)


def _clause(match: re.Match[str], text: str) -> _Clause:
    numbers = match.group(3, 4, 5)
    precision = next((count for count, number in enumerate(numbers) if number in (None, "x", "X", "*")), _PATCH)
    target = match["target"]
    if precision < _PATCH:  # padding drops v and build metadata, which then do not count towards the length limit
        target = ".".join((*numbers[:precision], *"000"[precision:])) + (f"-{match[6]}" if match[6] else "")
    try:
        return match["operator"], Version.parse(target), precision
    except InvalidVersion as error:
        raise InvalidConstraint(f"not a version constraint: {_quote(text)}: {error}") from error


def _equal(version: Version, target: Version, precision: int) -> bool:
    return version == target if precision == _PATCH else _tilde(version, target, precision)


def _not_equal(version: Version, target: Version, precision: int) -> bool:
    if precision in (0, _PATCH):
        return version != target
    tails_differ = precision == _MINOR and version.prerelease != target.prerelease
    return tails_differ or version.first(precision) != target.first(precision)


def _greater(version: Version, target: Version, precision: int) -> bool:
    return version > target if precision in (0, _PATCH) else version.first(precision) > target.first(precision)


def _at_most(version: Version, target: Version, precision: int) -> bool:
    count = precision or _MINOR
    return version <= target if precision == _PATCH else version.first(count) <= target.first(count)


def _tilde(version: Version, target: Version, precision: int) -> bool:
    is_unbounded = precision == _PATCH and not any(target.first(_PATCH))  # ~0.0.0, but not ~0.0
    return _shares_prefix(version, target, 0 if is_unbounded else min(precision, _MINOR))


def _caret(version: Version, target: Version, precision: int) -> bool:
    leading = _MAJOR if target.major else _MINOR if target.minor else _PATCH
    return _shares_prefix(version, target, min(leading, precision or _PATCH))


def _shares_prefix(version: Version, target: Version, count: int) -> bool:
    return version >= target and version.first(count) == target.first(count)


_OPERATORS: Final[Mapping[str, Callable[[Version, Version, int], bool]]] = {
    "": _equal, "=": _equal, "!=": _not_equal, "^": _caret, "~": _tilde, "~>": _tilde,
    "<": lambda version, target, _: version < target, "<=": _at_most, "=<": _at_most,
    ">": _greater, ">=": lambda version, target, _: version >= target,
    "=>": lambda version, target, _: version >= target,
}  # fmt: skip
