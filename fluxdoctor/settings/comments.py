"""Inline ignores: ``# fluxdoctor: ignore[rule,rule] reason`` in a YAML file.

A comment behind a field speaks of that line, one that stands alone of the next line that holds anything. Where that line is the
first of its document, it speaks of the whole document. What looks like one inside of a text (a script in a ConfigMap) is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import yaml

from fluxdoctor.model.resource import Location
from fluxdoctor.settings.values import Ignore

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MARK = b"fluxdoctor:"
_COMMENT = re.compile(r"(?:^|(?<=\s))#\s*fluxdoctor:\s*ignore\b(?:\[(?P<rules>[^\]]*)\])?(?P<reason>.*)$")
_NOTHING = re.compile(r"\s*(?:#.*|%.*)?$")
_START = re.compile(r"---(?=\s|$)")
_EMPTY_START = re.compile(r"---\s*(?:#.*)?$")

#: Start and end, each (line, column) from 0, of a text that goes over a ``#``.
_Span = tuple[tuple[int, int], tuple[int, int]]


def read(files: Mapping[str, bytes]) -> tuple[Ignore, ...]:
    """Return the ignores in the YAML files of a repository, by file and line; one without a list names the rule ""."""
    return tuple(
        found
        for file, content in sorted(files.items())
        if file.endswith((".yaml", ".yml")) and _MARK in content
        for found in _of_file(file, content.decode("utf-8", "replace"))
    )


def _of_file(file: str, text: str) -> Iterator[Ignore]:
    lines = text.splitlines()
    spans: Sequence[_Span] | None = None
    for number, line in enumerate(lines):
        comment = _COMMENT.search(line)
        if comment is None:
            continue
        spans = _texts(text) if spans is None else spans
        if any(start <= (number, comment.start()) < end for start, end in spans):
            continue
        reason = comment["reason"].strip(" \t:-")
        at = Location(file, number + 1, comment.start() + 1)
        for rule in (r.strip() for r in (comment["rules"] or "").split(",")):
            yield Ignore("comment", rule, reason, at, lines=_spoken_of(lines, number, comment.start()))


def _spoken_of(lines: Sequence[str], number: int, column: int) -> tuple[int, int]:
    """Return the first and last line, from 1, that a comment speaks of; (-1, -1) for none.

    The first document of a file begins at 0: a finding that knows no line is one of the whole file.
    """
    starts = [i for i, line in enumerate(lines) if _START.match(line)]
    target: int | None = number
    if not lines[number][:column].strip() or _EMPTY_START.match(lines[number]):
        target = _next(lines, number + 1, anew=_is_empty(lines, starts, number))
    if target is None:
        return -1, -1
    begin = max((s for s in starts if s <= target), default=0)
    end = min((s for s in starts if s > target), default=len(lines))
    first = _next(lines, begin, anew=True)
    if target != first:
        return target + 1, target + 1
    return (begin + 1 if any(_holds(line) for line in lines[:begin]) else 0), end


def _next(lines: Sequence[str], begin: int, *, anew: bool) -> int | None:
    """Return the next line that holds anything; a document that begins in between is passed only where ``anew``."""
    for i in range(begin, len(lines)):
        if _EMPTY_START.match(lines[i]):
            if not anew:
                return None
        elif _holds(lines[i]):
            return i
    return None


def _is_empty(lines: Sequence[str], starts: Sequence[int], number: int) -> bool:
    """Tell whether the document of a line holds nothing before it."""
    begin = max((s for s in starts if s < number), default=0)
    return not any(_holds(line) for line in lines[begin:number])


def _holds(line: str) -> bool:
    return not _NOTHING.match(line) and not _EMPTY_START.match(line)


def _texts(text: str) -> list[_Span]:
    """Return where the texts of the YAML stand; what cannot be read as YAML is taken as holding none."""
    found: list[_Span] = []
    try:
        for token in yaml.scan(text, Loader=_LOADER):
            if isinstance(token, yaml.ScalarToken):
                start, end = token.start_mark, token.end_mark
                block = token.style in ("|", ">")  # a comment may stand behind its first line
                begin = (start.line + 1, 0) if block else (start.line, start.column)
                found.append((begin, (end.line, end.column)))
    except yaml.YAMLError:
        return found
    return found
