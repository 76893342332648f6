"""Cache what rules derive from a fact, so that each value is derived once in a run."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class Memo:
    """Caches values that are derived from a frozen fact: dozens of rules read states, references and inventories.

    The key is the function that derives the value, so that two rule packs can never use each other's values.
    """

    @cached_property
    def _derived(self) -> dict[Hashable, Any]:
        return {}

    def memo(self, derive: Callable[Concatenate[Self, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return ``derive(self, *args, **kwargs)``, called once. Do not pass a lambda or a closure: each one is a new key."""
        key: Hashable = (derive, args, *kwargs.items()) if args or kwargs else derive
        derived = self._derived
        if key not in derived:
            derived[key] = derive(self, *args, **kwargs)
        value: T = derived[key]
        return value
