"""The names that someone who wrote a wrong one may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST, _CUTOFF = 3, 0.6


def nearest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return at most three of the known names that are similar to a name, the most similar first; never the name itself."""
    others = dict.fromkeys(k for k in known if k != name)
    return tuple(difflib.get_close_matches(name, list(others), _MOST, _CUTOFF))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the hint that follows a wrong name in a message, ``; did you mean X or Y?``, or "" if no name is similar."""
    return suggestion(nearest(name, known))


def suggestion(names: Iterable[str]) -> str:
    """Return the hint for names that may have been meant; "" without any."""
    *others, last = ("", *names)
    if not last:
        return ""
    listed = f"{', '.join(others[1:])} or {last}" if len(others) > 1 else last
    return f"; did you mean {listed}?"
