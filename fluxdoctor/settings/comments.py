"""Inline ignores: ``# fluxdoctor: ignore[rule,rule] reason`` in a YAML file.

A comment after a field applies to that line. A comment on its own line applies to the next line with content. If that line is
the first of its document, the comment applies to the whole document. A ``#`` inside a scalar, such as a script in a ConfigMap,
is no comment.
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

#: Start and end, each a 0-based (line, column), of a scalar.
_Span = tuple[tuple[int, int], tuple[int, int]]


def read(files: Mapping[str, bytes]) -> tuple[Ignore, ...]:
    """Return the ignores in the YAML files of a repository, by file and line. Without a list of rules, the rule is ""."""
    return tuple(
        ignore
        for file, content in sorted(files.items())
        if file.endswith((".yaml", ".yml")) and _MARK in content
        for ignore in _of_file(file, content.decode("utf-8", "replace"))
    )


def _of_file(file: str, text: str) -> Iterator[Ignore]:
    """Yield the ignores of one file."""
    lines = text.splitlines()
    spans: Sequence[_Span] | None = None
    for number, line in enumerate(lines):
        comment = _COMMENT.search(line)
        if comment is None:
            continue
        spans = _scalars(text) if spans is None else spans
        if any(start <= (number, comment.start()) < end for start, end in spans):
            continue
        reason = comment["reason"].strip(" \t:-")
        at = Location(file, number + 1, comment.start() + 1)
        for rule in (r.strip() for r in (comment["rules"] or "").split(",")):
            yield Ignore("comment", rule, reason, at, lines=_scope(lines, number, comment.start()))


def _scope(lines: Sequence[str], number: int, column: int) -> tuple[int, int]:
    """Return the first and last line, 1-based, that a comment applies to; (-1, -1) for none.

    The first document of a file begins at line 0, because a finding without a line belongs to the whole file.
    """
    starts = [i for i, line in enumerate(lines) if _START.match(line)]
    target: int | None = number
    if not lines[number][:column].strip() or _EMPTY_START.match(lines[number]):
        target = _next_content(lines, number + 1, crosses_documents=_is_empty(lines, starts, number))
    if target is None:
        return -1, -1
    begin = max((s for s in starts if s <= target), default=0)
    end = min((s for s in starts if s > target), default=len(lines))
    first = _next_content(lines, begin, crosses_documents=True)
    if target != first:
        return target + 1, target + 1
    return (begin + 1 if any(_has_content(line) for line in lines[:begin]) else 0), end


def _next_content(lines: Sequence[str], begin: int, *, crosses_documents: bool) -> int | None:
    """Return the next line with content; the search goes past the start of a document only if ``crosses_documents``."""
    for i in range(begin, len(lines)):
        if _EMPTY_START.match(lines[i]):
            if not crosses_documents:
                return None
        elif _has_content(lines[i]):
            return i
    return None


def _is_empty(lines: Sequence[str], starts: Sequence[int], number: int) -> bool:
    """Tell whether the document of a line has no content before it."""
    begin = max((s for s in starts if s < number), default=0)
    return not any(_has_content(line) for line in lines[begin:number])


def _has_content(line: str) -> bool:
    return not _NOTHING.match(line) and not _EMPTY_START.match(line)


def _scalars(text: str) -> list[_Span]:
    """Return the spans of the scalars of a YAML file, up to the first syntax error."""
    spans: list[_Span] = []
    try:
        for token in yaml.scan(text, Loader=_LOADER):
            if isinstance(token, yaml.ScalarToken):
                start, end = token.start_mark, token.end_mark
                block = token.style in ("|", ">")  # a comment may follow its indicator
                begin = (start.line + 1, 0) if block else (start.line, start.column)
                spans.append((begin, (end.line, end.column)))
    except yaml.YAMLError:
        return spans
    return spans
