"""What was worked out of the files of one repository, by content: all of it in one file, which is read and written at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

_FORMAT = b"fluxdoctor kept 2\n"
_DIGEST = 64


class Kept:
    """Answers by area and by the digest of what was asked of; without a folder they last for the run.

    A file that is not whole, or that another version of fluxdoctor or another format has written, holds nothing.
    What a run did not ask for is kept, for another branch may, until that is more than what was asked for.
    """

    def __init__(self, folder: Path | None = None, repository: Iterable[str] = (), version: str = "") -> None:
        """``repository``: what tells it from others; ``version``: what else an answer depends on."""
        name = hashlib.sha256("\0".join(repository).encode("utf-8", "surrogateescape")).hexdigest()
        self._at = folder / f"{name}.kept" if folder else None
        self._salt = _FORMAT + version.encode() + b"\n"
        self._held: dict[str, dict[str, Any]] = self._load()
        self._asked: dict[str, dict[str, Any]] = {}
        self._new = False

    @property
    def lasts(self) -> bool:
        """Tell whether answers are kept for another run."""
        return self._at is not None

    def get(self, area: str, digest: str) -> Any:
        """Return what was kept, or None."""
        asked = self._of(area)
        if digest not in asked and (found := self._held.get(area, {}).get(digest)) is not None:
            asked[digest] = found
        return asked.get(digest)

    def put(self, area: str, digest: str, answer: Any) -> None:
        """Keep an answer: what JSON can hold, and no value of a Secret."""
        self._of(area)[digest] = answer
        self._new = True

    def drop(self, area: str, digests: Iterable[str]) -> None:
        """Keep none of these."""
        held = self._held.get(area, {})
        for digest in digests:
            known = self._of(area).pop(digest, None), held.pop(digest, None)
            self._new = self._new or known != (None, None)

    def save(self) -> None:
        """Write what is known, where something in it is new; a folder that cannot be written is no error."""
        if self._at is None or not self._new:
            return
        try:
            held = orjson.dumps(self._whole())
            self._at.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = self._at.with_suffix(f".{os.getpid()}")
            part.touch(mode=0o600)
            part.write_bytes(self._digest(held) + held)
            part.replace(self._at)
        except (OSError, TypeError):
            return

    def _of(self, area: str) -> dict[str, Any]:
        return self._asked.setdefault(area, {})

    def _whole(self) -> dict[str, dict[str, Any]]:
        """Return the answers of this run, and of each area those of others, unless most of it is not asked for any more."""
        held = {area: self._held.get(area, {}) | asked for area, asked in self._asked.items()}
        return {area: held[area] if len(held[area]) <= 2 * len(asked) else asked for area, asked in self._asked.items()}

    def _load(self) -> dict[str, dict[str, Any]]:
        try:
            whole = self._at.read_bytes() if self._at else b""
            held = memoryview(whole)[_DIGEST:]
            loaded: dict[str, dict[str, Any]] = orjson.loads(held) if whole[:_DIGEST] == self._digest(held) else {}
        except (OSError, ValueError):
            return {}
        return loaded

    def _digest(self, held: bytes | memoryview) -> bytes:
        digest = hashlib.sha256(self._salt)
        digest.update(held)
        return digest.hexdigest().encode()
