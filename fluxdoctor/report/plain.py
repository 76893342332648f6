"""Makes cluster text safe to print: hidden characters, terminal controls and commands to a CI runner become visible text.

Runners parse the output of a program for commands. GitHub's runner reads ``::`` at the beginning of a line, also after white
space, and ``##[`` anywhere (actions/runner 2.x, ActionCommand.cs: TryParseV2, TryParse); Azure's reads ``##vso[``.
"""

from __future__ import annotations

import re
import unicodedata

_ALLOWED = frozenset("\n")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_ANYWHERE = re.compile(r"##(?=(?:vso)?\[)")
#: The beginning of a line that GitHub's runner reads as a command.
COMMAND = re.compile(r"^([^\S\n]*+):(?=:)", re.M)


def lines(text: str) -> str:
    """Return text to print: without spaces at the end of a line, and without a line that a runner reads as a command."""
    return "".join(COMMAND.sub(r"\1: ", line.rstrip()) + "\n" for line in text.splitlines())


def plain(text: str) -> str:
    """Replace control, format, surrogate and direction characters by their escapes; ``##[`` gets a space."""
    if "##" in text:
        text = _ANYWHERE.sub("## ", text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in _ALLOWED or not _is_hidden(c) else _escape(c) for c in text)


def _is_hidden(char: str) -> bool:
    """Tell whether a character has no glyph of its own, by its Unicode category, or changes the direction of text."""
    return char in _BIDI or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _escape(char: str) -> str:
    return " " if char in "\t\r" else char.encode("unicode_escape").decode("ascii")
