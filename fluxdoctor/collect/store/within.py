"""Checks that a path is inside the allowed folders, with links followed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def is_within(path: Path, folders: Iterable[Path]) -> bool:
    """Tell whether a path is one of these folders or below one, with links resolved. Raises OSError for a loop of links."""
    real = path.resolve()
    return any(real.is_relative_to(folder.resolve()) for folder in folders)
