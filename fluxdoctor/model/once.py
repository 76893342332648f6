"""What is made of a fact once, for however many rules ask."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Once:
    """Remembers what was read out of a frozen fact: the answer never changes, and hundreds of rules ask for it."""

    @cached_property
    def _known(self) -> dict[Hashable, Any]:
        return {}

    def once(self, what: Hashable, read: Callable[[Self], T]) -> T:
        """Return what ``read`` makes of the fact, made once; ``what`` names it."""
        known = self._known
        if what not in known:
            known[what] = read(self)
        found: T = known[what]
        return found
