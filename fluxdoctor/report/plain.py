"""Cluster text is data: what could act on a terminal or hide from a reader is made visible."""

from __future__ import annotations

import unicodedata

_SHOWN = frozenset("\n")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain(text: str) -> str:
    """Replace control, format, surrogate and direction characters by their escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in _SHOWN or not _acts(c) else _escape(c) for c in text)


def _acts(char: str) -> bool:
    return char in _BIDI or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _escape(char: str) -> str:
    return " " if char in "\t\r" else char.encode("unicode_escape").decode("ascii")
