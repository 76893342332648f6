"""The folder where what was fetched is kept between runs: safe to delete, and never holding a secret."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_BLOCK = 4096
_TRIES = 5  # for somebody may delete it under our hands


def folder() -> Path | None:
    """Return fluxdoctor's folder below $XDG_CACHE_HOME (~/.cache by default), or None where there is no home."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if base and Path(base).is_absolute():
        return Path(base) / "fluxdoctor"
    try:
        return Path.home() / ".cache" / "fluxdoctor"
    except RuntimeError:
        return None


def unwritable(path: Path) -> str:
    """Return why nothing can be kept in a folder, made if need be; "" where something can be."""
    for _ in range(_TRIES):
        if not isinstance(error := _write_error(path), FileNotFoundError):
            return (error.strerror or type(error).__name__) if error else ""
    return "it is deleted again and again"


def _write_error(path: Path) -> OSError | None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path, buffering=0) as file:
            file.write(bytes(_BLOCK))  # an empty file has room on a full disk too
    except OSError as error:
        return error
    return None
