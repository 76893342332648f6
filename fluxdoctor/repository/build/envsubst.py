"""The ``${...}`` of a text, read and replaced as Flux does it: fluxcd/pkg envsubst 1.7, which kustomize-controller 1.9 uses.

It is not the shell's syntax: ``${name-default}`` is an error, a name may begin with a digit, ``$$`` is ``$``, and every operator
that gives a default gives it for an empty value too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_NAME = re.compile(r"\w+")
_DEFAULT = re.compile(r":[-=?+]|=")
_CASING = re.compile(r"[,^]{1,2}")
_PLAIN = re.compile(r"[^$]+")
_ARGUMENT = re.compile(r"(?:[^}$]|\$(?!\{))+")
_DEFAULTS = (":-", ":=", ":?", ":+", "=")
_CHANGES: dict[str, Callable[[str], str]] = {
    "": lambda v: v,
    ",": lambda v: v[:1].lower() + v[1:],
    ",,": str.lower,
    "^": lambda v: v[:1].upper() + v[1:],
    "^^": str.upper,
    "#len": lambda v: str(len(v.encode())),
}


class SubstitutionError(Exception):
    """Why a text cannot be replaced, in the controller's words."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One ``${name...}``: the operator after the name, what it is given, and the text that it was read from."""

    name: str
    operator: str = ""
    arguments: tuple[str | Expression, ...] = ()
    text: str = ""

    @property
    def has_default(self) -> bool:
        """The operator says what to do without a value."""
        return self.operator in _DEFAULTS


Part = str | Expression


@lru_cache(1 << 13)
def parse(text: str) -> tuple[Part, ...]:
    """Return the plain texts and the expressions of a text. Raises SubstitutionError for what Flux cannot read."""
    parts: list[Part] = []
    at = 0
    while at < len(text):
        if text.startswith("${", at):
            expression, at = _expression(text, at)
            parts.append(expression)
        elif text.startswith("$$", at):
            parts.append("$")
            at += 2
        elif text[at] == "$":
            parts.append("$")
            at += 1
        elif plain := _PLAIN.match(text, at):
            parts.append(plain[0])
            at = plain.end()
    return tuple(parts)


@lru_cache(1 << 13)
def needed(text: str) -> tuple[str, ...]:
    """Return the variables of a text that have no default, in the order in which Flux asks for them.

    The arguments of a default are looked at whether they are needed or not. Raises SubstitutionError as ``parse`` does.
    """
    return tuple(name for part in parse(text) for name in _without_default(part))


def _without_default(part: Part) -> Iterator[str]:
    if isinstance(part, Expression):
        for argument in part.arguments:
            yield from _without_default(argument)
        if not part.has_default:
            yield part.name


def evaluate(part: Part, value_of: Callable[[Expression], str | None]) -> str:
    """Return what a part becomes.

    ``value_of`` gives the value of an expression's variable, "" for an empty or missing one, or None where it is not known:
    then the expression stays as it is written.
    """
    if isinstance(part, str):
        return part
    value = value_of(part)
    if value is None:
        return part.text
    if part.has_default:
        return value or "".join(evaluate(a, value_of) for a in part.arguments)
    return _changed(part, value)


def _changed(part: Expression, value: str) -> str:
    # What patterns and positions make of a value is not worked out here: it stays an unknown.
    change = _CHANGES.get(part.operator)
    return change(value) if change else part.text


def _expression(text: str, start: int) -> tuple[Expression, int]:
    """Read the expression that begins at a position; return it and the position after it."""
    at = start + 2
    if text.startswith("#", at):
        name, at = _name(text, at + 1, "bad substitution")
        return Expression(name, "#len", (), text[start : (end := _closed(text, at))]), end
    name, at = _name(text, at, "unable to parse variable name")
    operator, arguments = "", []
    if default := _DEFAULT.match(text, at):
        operator, at = default[0], default.end()
        while not text.startswith("}", at):
            argument, at = _argument(text, at)
            arguments.append(argument)
    elif casing := _CASING.match(text, at):
        operator, at = casing[0], casing.end()
    elif text[at : at + 1] in (":", "/", "#", "%"):
        operator = text[at]
        end = text.find("}", at)
        if end < 0:
            more = at + 1 < len(text)
            raise SubstitutionError("bad substitution" if more else "unable to parse substitution within function")
        at = end
    elif not text.startswith("}", at):
        raise SubstitutionError("missing closing brace")
    end = _closed(text, at)
    return Expression(name, operator, tuple(arguments), text[start:end]), end


def _name(text: str, at: int, otherwise: str) -> tuple[str, int]:
    found = _NAME.match(text, at)
    if not found:
        raise SubstitutionError(otherwise)
    return found[0], found.end()


def _argument(text: str, at: int) -> tuple[Part, int]:
    if text.startswith("${", at):
        return _expression(text, at)
    found = _ARGUMENT.match(text, at)
    if not found:
        raise SubstitutionError("unable to parse substitution within function")
    return found[0], found.end()


def _closed(text: str, at: int) -> int:
    if not text.startswith("}", at):
        raise SubstitutionError("bad substitution")
    return at + 1
