"""The lines of a TOML file: Python's reader of TOML keeps none, and a mistake is to be told with its line."""

from __future__ import annotations

import re
import tomllib

Path = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)([^\[\]]+?)\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")


def lines(text: str) -> dict[Path, int]:
    """Return the line (1-based) of each table, each table of an array and each key, by its path.

    The text is valid TOML. What stands in an inline table has the line of the key that it belongs to.
    """
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            path: Path = _parts(header[2])
            if not path:
                continue
            if header[1] == "[[":
                counts[path] = counts.get(path, -1) + 1
                found.setdefault(path, number)
                path = (*path, counts[path])
            table = path
            _note(found, path, number)
        elif key := _KEY.match(line):
            _note(found, (*table, *_parts(key[1])), number)
    return found


def nearest(found: dict[Path, int], path: Path) -> int:
    """Return the line of a path, or of the nearest that it is in; 0 where none is known."""
    return next((found[path[:end]] for end in range(len(path), 0, -1) if path[:end] in found), 0)


def _note(found: dict[Path, int], path: Path, number: int) -> None:
    for end in range(1, len(path) + 1):
        found.setdefault(path[:end], number)


def _parts(key: str) -> tuple[str, ...]:
    """Return the parts of a key as TOML reads them; none for what only looks like a key."""
    try:
        held = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    parts = []
    while isinstance(held, dict):
        ((part, held),) = held.items()
        parts.append(part)
    return tuple(parts)
