"""Parses the YAML texts that builds write, each once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

from fluxdoctor.intake import documents

Bodies: TypeAlias = tuple[dict[str, Any], ...]


@lru_cache(1 << 15)
def bodies(text: str) -> Bodies:
    """Parse a text once for all clusters that have it. The result is shared: do not change it."""
    return tuple(d.body for d in documents.parse(text).documents if isinstance(d.body, dict))
