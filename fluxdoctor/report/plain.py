"""Cluster text is data: what could act on a terminal or on a pipeline's runner, or hide from a reader, is made visible.

Runners read commands in what a program prints: GitHub's one where a line begins with ``::``, after white space too, and one
anywhere after ``##[`` (actions/runner 2.x, ActionCommand.cs: TryParseV2, TryParse); Azure's after ``##vso[``.
"""

from __future__ import annotations

import re
import unicodedata

_SHOWN = frozenset("\n")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_ANYWHERE = re.compile(r"##(?=(?:vso)?\[)")
#: The begin of a line that is a command to GitHub's runner.
COMMAND = re.compile(r"^(\s*):(?=:)", re.M)


def lines(text: str) -> str:
    """Return text as it is printed: no space at the end of a line, none of which is a command to a runner."""
    return "".join(COMMAND.sub(r"\1: ", line.rstrip()) + "\n" for line in text.splitlines())


def plain(text: str) -> str:
    """Replace control, format, surrogate and direction characters by their escapes; ``##[`` gets a space."""
    if "##" in text:
        text = _ANYWHERE.sub("## ", text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in _SHOWN or not _acts(c) else _escape(c) for c in text)


def _acts(char: str) -> bool:
    return char in _BIDI or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _escape(char: str) -> str:
    return " " if char in "\t\r" else char.encode("unicode_escape").decode("ascii")
