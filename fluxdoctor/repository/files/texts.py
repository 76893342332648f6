"""The YAML texts that builds write: each parsed once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

from fluxdoctor.intake import documents

Bodies: TypeAlias = tuple[dict[str, Any], ...]


@lru_cache(1 << 15)
def bodies(text: str) -> Bodies:
    """Read a text once, for however many clusters it is the same. Never change what it returns."""
    return tuple(d.body for d in documents.parse(text).documents if isinstance(d.body, dict))
