"""Finds the settings file of a folder: upward from it, to the root of its repository and no further."""

from __future__ import annotations

import tomllib
from pathlib import Path

from fluxdoctor.settings.values import SettingsError

NAME = "fluxdoctor.toml"
PROJECT = "pyproject.toml"
#: Larger files are no settings.
_MOST = 1 << 20


def find(start: Path) -> tuple[Path, str] | None:
    """Return the nearest settings file of a folder and what reports call it, a path from the repository's root; or None.

    Without a repository only the folder itself is looked at: what stands above it is nobody's decision about it.
    A link that leads out of the repository is not followed.
    A ``pyproject.toml`` counts where it has a table ``[tool.fluxdoctor]``; ``fluxdoctor.toml`` beside it wins.
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
    """Return the text of a settings file. Raises SettingsError where it cannot be read."""
    try:
        if file.stat().st_size > _MOST:
            raise SettingsError(f"{file}: larger than {_MOST >> 20} MiB: no settings file")
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: not UTF-8: no TOML file") from None
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror or error}") from None


def _is_ours(file: Path) -> bool:
    try:
        body = tomllib.loads(text(file))
    except (SettingsError, tomllib.TOMLDecodeError):
        return False  # a file of other programs: theirs to complain of
    tool = body.get("tool")
    return isinstance(tool, dict) and "fluxdoctor" in tool
