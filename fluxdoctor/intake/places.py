"""The positions of fields in a YAML text: stored compactly, and converted to lines and columns on access."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TypeAlias

FieldPath: TypeAlias = tuple[str | int, ...]
#: The position of an entry. Most entries are scalars: three offsets (of the key or item, of the start and of the end
#: of the value) packed into one number, which the garbage collector does not track. A collection has a tuple: the
#: offset of its key or item, and the places of its entries.
Place: TypeAlias = "int | tuple[int, Places]"
Places: TypeAlias = dict[str | int, Place]

_BITS = 40
_OFFSET = (1 << _BITS) - 1
_BREAK = re.compile(r"\r\n?|\n")


def pack(at: int, start: int, inside: int | Places) -> Place:
    """Return the place of an entry: ``at`` is the offset of its key or item, ``inside`` the end of its value or its entries."""
    return at << 2 * _BITS | start << _BITS | inside if isinstance(inside, int) else (at, inside)


def entries(place: Place) -> Places:
    """Return the places of the entries of a collection; {} for a scalar."""
    return {} if isinstance(place, int) else place[1]


def _key(place: Place) -> int:
    return place >> 2 * _BITS if isinstance(place, int) else place[0]


def decoded(data: bytes) -> str:
    """Decode UTF-8, or UTF-16 with a byte order mark. A surrogate replaces everything from the first invalid byte."""
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        return data[: error.start].decode(encoding, "ignore") + "\ud800"


class Text:
    """A text without its byte order mark, and its lines."""

    def __init__(self, text: str | bytes) -> None:
        """Decode bytes as YAML does: UTF-8, or UTF-16 with a byte order mark."""
        text = text if isinstance(text, str) else decoded(text)
        self.bom = int(text.startswith("\ufeff"))
        self.text = text[self.bom :]

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(line_break.end() for line_break in _BREAK.finditer(self.text))]

    def at(self, offset: int) -> tuple[int, int]:
        """Return the line and column of an offset, 1-based."""
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def mark(self, place: Place) -> tuple[int, int]:
        """Return the line and column of the key or item of an entry."""
        return self.at(_key(place))

    def span(self, place: Place) -> tuple[int, int] | None:
        """Return the offsets in the original text, None for a collection. A block scalar ends before its trailing blank lines."""
        if not isinstance(place, int):
            return None
        start, end = place >> _BITS & _OFFSET, place & _OFFSET
        return start + self.bom, start + self.bom + len(self.text[start:end].rstrip())


class View(Mapping[FieldPath, tuple[int, int]]):
    """A mapping of field paths to positions. Positions are computed on access, because a full table could be huge."""

    def __init__(self, root: Place, read: Callable[[Place], tuple[int, int] | None]) -> None:
        """``read``: returns the position of a place, or None if the place has none."""
        self.root = root
        self._read = read

    def __getitem__(self, path: FieldPath) -> tuple[int, int]:
        """Return the position of a path. Raises KeyError if the path has none."""
        place = self.root
        for part in path:
            place = entries(place)[part]
        if (position := self._read(place)) is None:
            raise KeyError(path)
        return position

    def __iter__(self) -> Iterator[FieldPath]:
        """Yield the paths that have a position."""
        return (path for path, place in _walk_places((), self.root) if self._read(place))

    def __len__(self) -> int:
        """Count the paths that have a position."""
        return sum(1 for _ in self)


def _walk_places(path: FieldPath, place: Place) -> Iterator[tuple[FieldPath, Place]]:
    yield path, place
    for part, below in entries(place).items():
        yield from _walk_places((*path, part), below)


class RestoredPlaces(Mapping[FieldPath, tuple[int, int]]):
    """The marks of a document from the cache of an earlier run, computed from its body and ``offsets`` on first access."""

    def __init__(self, body: object, offsets: str, text: Callable[[], Text]) -> None:
        """``offsets``: numbers separated by spaces; ``text``: returns the text that the document was parsed from."""
        self._body, self._offsets, self._text = body, offsets, text

    @cached_property
    def _view(self) -> View:
        return View(_rebuild_places(self._body, map(int, self._offsets.split())), self._text().mark)

    def __getitem__(self, path: FieldPath) -> tuple[int, int]:
        """Return the position of a path. Raises KeyError if the path has none."""
        return self._view[path]

    def __iter__(self) -> Iterator[FieldPath]:
        """Yield every path."""
        return iter(self._view)

    def __len__(self) -> int:
        """Count the paths."""
        return len(self._view)


def offsets(place: Place) -> list[int]:
    """Return the offset of the key or item of each entry, in document order: an entry before the entries inside it."""
    result = [_key(place)]
    for below in entries(place).values():
        if isinstance(below, int):
            result.append(_key(below))
        else:
            result += offsets(below)
    return result


def _rebuild_places(body: object, remaining: Iterator[int]) -> Place:
    """Rebuild the places of a body from their offsets. The ends of the values are unknown (0)."""
    offset = next(remaining)
    if isinstance(body, dict):
        return offset, {key: _rebuild_places(value, remaining) for key, value in body.items()}
    if isinstance(body, list):
        return offset, {i: _rebuild_places(value, remaining) for i, value in enumerate(body)}
    return pack(offset, 0, 0)
