"""Finds the settings file of a folder: it searches from the folder up to the root of its repository."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from fluxdoctor.settings.values import SettingsError

NAME = "fluxdoctor.toml"
PROJECT = "pyproject.toml"
#: A larger file is not a settings file; in bytes.
_MAX_BYTES = 1 << 20
#: A key of more parts is no setting; tomllib takes the square of their number of steps, minutes for a file of 1 MiB.
_LONG_KEY = re.compile(r"(?<![\w-])(?:(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}")


def find(start: Path) -> tuple[Path, str] | None:
    """Return the nearest settings file of a folder and its path from the repository's root, its name in reports; or None.

    Outside a repository only the folder itself is searched: a file further up was not written for it.
    A link that leads out of the repository is not followed.
    A ``pyproject.toml`` counts only if it has a table ``[tool.fluxdoctor]``; ``fluxdoctor.toml`` beside it wins.
    """
    folder = start.resolve()
    root = next((f for f in (folder, *folder.parents) if (f / ".git").exists()), folder)
    while True:
        for name in (NAME, PROJECT):
            file = folder / name
            if file.is_file() and file.resolve().is_relative_to(root) and (name == NAME or _is_ours(file)):
                return file, file.relative_to(root).as_posix()
        if folder == root:
            return None
        folder = folder.parent


def text(file: Path) -> str:
    """Return the text of a settings file. Raises SettingsError if it cannot be read."""
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise SettingsError(f"{file}: larger than {_MAX_BYTES >> 20} MiB, the limit of a settings file")
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: not UTF-8, which TOML requires") from None
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror or error}") from None


def parse(content: str) -> dict[str, Any]:
    """Return the table of a TOML text. Raises ValueError with what is wrong with it: that it is not TOML, or beyond a limit."""
    if key := _LONG_KEY.search(content):
        line = content.count("\n", 0, key.start()) + 1
        raise ValueError(f"a key of more than 32 parts (at line {line}, column 1)")
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError:  # of Python's int, which says how to lift its limit
        raise ValueError("a number of more than 4300 digits") from None


def _is_ours(file: Path) -> bool:
    """Tell whether a ``pyproject.toml`` has a table for fluxdoctor."""
    try:
        body = parse(text(file))
    except (SettingsError, ValueError):
        return False  # the file belongs to other programs, which report its errors
    tool = body.get("tool")
    return isinstance(tool, dict) and "fluxdoctor" in tool
