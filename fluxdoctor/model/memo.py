"""What is derived from a fact once, however many rules ask."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class Memo:
    """Remembers what was derived from a frozen fact: states, references and inventories are read by dozens of rules.

    A value is known by the function that derives it, so that two packs can never answer for each other.
    """

    @cached_property
    def _derived(self) -> dict[Hashable, Any]:
        return {}

    def memo(self, derive: Callable[Concatenate[Self, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what ``derive`` makes of this fact and the arguments, derived once. Not for lambdas or closures."""
        key: Hashable = (derive, args, *kwargs.items()) if args or kwargs else derive
        derived = self._derived
        if key not in derived:
            derived[key] = derive(self, *args, **kwargs)
        value: T = derived[key]
        return value
