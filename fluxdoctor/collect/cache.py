"""The folder where what was fetched is kept between runs: safe to delete, and never holding a secret."""

from __future__ import annotations

import os
from pathlib import Path


def folder() -> Path | None:
    """Return fluxdoctor's folder below $XDG_CACHE_HOME (~/.cache by default), or None where there is no home."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if base and Path(base).is_absolute():
        return Path(base) / "fluxdoctor"
    try:
        return Path.home() / ".cache" / "fluxdoctor"
    except RuntimeError:
        return None
