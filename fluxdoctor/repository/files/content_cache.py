"""What was worked out of the files of one repository, by content: all of it in one file, which is read at once and added to."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import orjson

_FORMAT = b"fluxdoctor kept 2\n"
_DIGEST, _LENGTH = 64, 12
_HEAD = _DIGEST + _LENGTH
_MOST_PARTS = 16

Areas: TypeAlias = dict[str, dict[str, Any]]


class ContentCache:
    """Answers by area and by the digest of what was asked of; without a folder they last for the run.

    A part of the file that is not whole, or that another version of fluxdoctor or another format has written, holds nothing.
    What a run did not ask for is kept, for another branch may, until that is half as much as what was asked for.
    """

    def __init__(self, folder: Path | None = None, repository: Iterable[str] = (), version: str = "") -> None:
        """``repository``: what tells it from others; ``version``: what else an answer depends on."""
        name = hashlib.sha256("\0".join(repository).encode("utf-8", "surrogateescape")).hexdigest()
        self._at = folder / f"{name}.kept" if folder else None
        self._salt = _FORMAT + version.encode() + b"\n"
        self._parts = 0
        self._is_sound = True
        """What the file has can stay there."""
        self._held: Areas = {}
        self._asked: Areas = {}
        for part in self._load():
            _add(self._held, part)

    @property
    def lasts(self) -> bool:
        """Tell whether answers are kept for another run."""
        return self._at is not None

    def get(self, area: str, digest: str) -> Any:
        """Return what was kept, or None."""
        asked = self._asked.setdefault(area, {})
        if digest not in asked and (found := self._held.get(area, {}).get(digest)) is not None:
            asked[digest] = found
        return asked.get(digest)

    def put(self, area: str, digest: str, answer: Any) -> None:
        """Keep an answer: what JSON can hold, and no value of a Secret."""
        self._asked.setdefault(area, {})[digest] = answer

    def drop(self, area: str, digests: Iterable[str]) -> None:
        """Keep none of these."""
        for digest in digests:
            self._asked.get(area, {}).pop(digest, None)
            if self._held.get(area, {}).pop(digest, None) is not None:
                self._is_sound = False

    def save(self) -> None:
        """Write what is new, and none of what was dropped; a folder that cannot be written is no error."""
        known = self._held
        new = {
            area: {d: a for d, a in held.items() if d not in known.get(area, {})} for area, held in self._asked.items()
        }
        if self._at is None or (self._is_sound and not any(new.values())):
            return
        _add(self._held, self._asked)
        held, asked = (sum(map(len, areas.values())) for areas in (self._held, self._asked))
        has_too_much = held - asked > asked / 2
        try:
            if self._is_sound and 0 < self._parts < _MOST_PARTS and not has_too_much:
                self._append(self._at, new)
            else:
                self._replace(self._at, self._asked if has_too_much else self._held)
        except (OSError, TypeError):
            return

    def _append(self, at: Path, areas: Areas) -> None:
        # What another run adds or replaces meanwhile spoils no more than this part, and a part tells whether it is whole.
        file = os.open(at, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(file, self._part(areas))
        finally:
            os.close(file)

    def _replace(self, at: Path, areas: Areas) -> None:
        at.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = at.with_suffix(f".{os.getpid()}")
        aside.touch(mode=0o600)
        aside.write_bytes(self._part(areas))
        aside.replace(at)

    def _part(self, areas: Areas) -> bytes:
        held = orjson.dumps(areas)
        return self._digest(held) + b"%0*d" % (_LENGTH, len(held)) + held

    def _load(self) -> Iterator[Areas]:
        try:
            whole = memoryview(self._at.read_bytes() if self._at else b"")
            while whole:
                held = whole[_HEAD : _HEAD + int(whole[_DIGEST:_HEAD].tobytes())]
                if whole[:_DIGEST] != self._digest(held):
                    self._is_sound = False
                    return
                yield orjson.loads(held)
                self._parts += 1
                whole = whole[_HEAD + len(held) :]
        except OSError:
            return
        except ValueError:
            self._is_sound = False

    def _digest(self, held: bytes | memoryview) -> bytes:
        digest = hashlib.sha256(self._salt)
        digest.update(held)
        return digest.hexdigest().encode()


def _add(areas: Areas, more: Mapping[str, dict[str, Any]]) -> None:
    for area, answers in more.items():
        areas.setdefault(area, {}).update(answers)
