"""The cache folder, which is safe to delete and never contains a secret."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_BLOCK = 4096
_TRIES = 5  # another process may delete the folder meanwhile


def folder() -> Path | None:
    """Return fluxdoctor's folder below $XDG_CACHE_HOME (~/.cache by default), or None if there is no home folder."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if base and Path(base).is_absolute():
        return Path(base) / "fluxdoctor"
    try:
        return Path.home() / ".cache" / "fluxdoctor"
    except RuntimeError:
        return None


def unwritable(path: Path) -> str:
    """Return why the cache cannot be written to a folder, or "" if it can. Creates the folder."""
    for _ in range(_TRIES):
        if not isinstance(error := _write_error(path), FileNotFoundError):
            return (error.strerror or type(error).__name__) if error else ""
    return "another process deletes the folder repeatedly"


def _write_error(path: Path) -> OSError | None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path, buffering=0) as file:
            file.write(bytes(_BLOCK))  # an empty file can be created even on a full disk
    except OSError as error:
        return error
    return None
