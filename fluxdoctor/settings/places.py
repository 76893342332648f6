"""The lines of tables and keys in a TOML file: ``tomllib`` does not keep them, and an error message needs them."""

from __future__ import annotations

import re
import tomllib

#: The tables and keys that lead to a value; the tables of an array are numbered from 0.
KeyPath = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)([^\[\]]+?)\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")


def lines(text: str) -> dict[KeyPath, int]:
    """Return the line (1-based) of each table, each table of an array and each key, by its path.

    The text must be valid TOML. Keys of an inline table have no line of their own: see ``nearest``.
    """
    numbers: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            path: KeyPath = _parts(header[2])
            if not path:
                continue
            if header[1] == "[[":
                counts[path] = counts.get(path, -1) + 1
                numbers.setdefault(path, number)
                path = (*path, counts[path])
            table = path
            _add(numbers, path, number)
        elif key := _KEY.match(line):
            _add(numbers, (*table, *_parts(key[1])), number)
    return numbers


def nearest(numbers: dict[KeyPath, int], path: KeyPath) -> int:
    """Return the line of a path or of its nearest parent; 0 if neither has one."""
    return next((numbers[path[:end]] for end in range(len(path), 0, -1) if path[:end] in numbers), 0)


def _add(numbers: dict[KeyPath, int], path: KeyPath, number: int) -> None:
    """Set the line of a path, and of those of its parents that have none yet."""
    for end in range(1, len(path) + 1):
        numbers.setdefault(path[:end], number)


def _parts(key: str) -> tuple[str, ...]:
    """Return the parts of a key as TOML reads them; () for text that only looks like a key."""
    try:
        table = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    parts = []
    while isinstance(table, dict):
        ((part, table),) = table.items()
        parts.append(part)
    return tuple(parts)
