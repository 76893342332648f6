"""Writes long texts on which a pattern that backtracks is slow: almost what it looks for, again and again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants as c  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_GENERIC = (
    "a",
    "ab ",
    " ",
    "\n",
    "0",
    ".",
    "-",
    "/",
    '"',
    "'",
    "a.",
    "a/",
    "a: ",
    "\n\n---\n",
    "https://a.b/c ",
    "x@y:",
    "${",
    "{{",
    "[(",
    "\\",
    "`",
    "=",
    ",",
    "A",
    "_",
    " \n",
    "a\n",
    "  a: b\n",
)
_MOST = 120


def texts(expression: re.Pattern[Any], size: int) -> Iterator[Any]:
    """Yield texts of a size for an expression, bytes for one of bytes."""
    pieces = _fragments(expression)
    for lead, unit in dict.fromkeys([*pieces, *(("", unit) for unit in _GENERIC)]):
        text = lead + unit * ((size - len(lead)) // len(unit)) if unit else ""
        if text:
            yield text.encode("utf-8", "replace") if isinstance(expression.pattern, bytes) else text


def _fragments(expression: re.Pattern[Any]) -> list[tuple[str, str]]:
    """Return (lead, repeated unit): each beginning of what the pattern matches again and again; and a match with one long part."""
    source = expression.pattern if isinstance(expression.pattern, str) else expression.pattern.decode("latin-1")
    tree = parser.parse(
        source, expression.flags & ~re.UNICODE if isinstance(expression.pattern, bytes) else expression.flags
    )
    result: list[tuple[str, str]] = []
    for items in _alternatives(list(tree)):
        samples = [_sample(item) for item in items]
        for end in range(1, len(items) + 1):
            prefix = "".join(samples[:end])
            result += [("", prefix), ("", prefix + " "), ("", prefix + "\n")]
        for position, item in enumerate(items):
            lead = "".join(samples[:position])
            for unit in _units(item):
                result += [(lead, unit), ("", lead + unit * 3)]
    return [pair for pair in dict.fromkeys(result) if pair[1]][:_MOST]


def _alternatives(items: list[Any]) -> list[list[Any]]:
    """Return the sequences of a pattern, its branches and groups flattened, at most a few."""
    sequences: list[list[Any]] = [[]]
    for op, value in items:
        if op is c.SUBPATTERN or op is c.ATOMIC_GROUP:
            inner = _alternatives(list(value[3] if op is c.SUBPATTERN else value))
        elif op is c.BRANCH:
            inner = [sequence for branch in value[1] for sequence in _alternatives(list(branch))]
        else:
            inner = [[(op, value)]]
        sequences = [a + b for a in sequences[:12] for b in inner[:24]][:48]
    return sequences


def _units(item: Any) -> Iterator[str]:
    """Yield what a repeated part can consist of."""
    op, value = item
    if op in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT) and value[1] > 8:
        for sequence in _alternatives(list(value[2])):
            yield "".join(map(_sample, sequence))
            if len(sequence) == 1:
                yield from _others(sequence[0])


def _others(item: Any) -> Iterator[str]:
    """Yield more characters that a class or a dot takes, of different kinds."""
    probe = re.compile(".", re.S) if item[0] is c.ANY else None
    for character in "a0 /.-:\"'A\n_@,":
        if (
            probe
            or (item[0] is c.IN and _is_in(item[1], character))
            or (item[0] is c.NOT_LITERAL and chr(item[1]) != character)
        ):
            yield character


def _is_in(members: Any, character: str) -> bool:
    code, negated, result = ord(character), False, False
    for op, value in members:
        if op is c.NEGATE:
            negated = True
        elif op is c.LITERAL:
            result |= code == value
        elif op is c.RANGE:
            result |= value[0] <= code <= value[1]
        elif op is c.CATEGORY:
            result |= _in_category(value, character)
    return result != negated


def _in_category(category: Any, character: str) -> bool:
    name = str(category)
    is_in = (
        character.isdigit()
        if "DIGIT" in name
        else character.isspace()
        if "SPACE" in name
        else character.isalnum() or character == "_"
    )
    return is_in != ("NOT" in name)


def _sample(item: Any) -> str:  # noqa: PLR0911 - one for each kind of part
    """Return a short text that a part of a pattern matches; "" for assertions."""
    op, value = item
    if op is c.LITERAL:
        return chr(value)
    if op is c.NOT_LITERAL:
        return "a" if value != ord("a") else "b"
    if op is c.ANY:
        return "a"
    if op is c.IN:
        other: str = next((chr(v) for o, v in value if o is c.LITERAL), "?")
        return next((ch for ch in "a0A/. -:\n\"'_#" if _is_in(value, ch)), other)
    if op in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
        inner = "".join(map(_sample, _alternatives(list(value[2]))[0]))
        return str(inner * max(1, min(int(value[0]), 300)))
    if op in (c.SUBPATTERN, c.ATOMIC_GROUP, c.BRANCH):
        return "".join(map(_sample, _alternatives([item])[0]))
    return ""
