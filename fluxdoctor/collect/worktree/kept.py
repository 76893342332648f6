"""What was worked out of the files of one repository, by content: all of it in one file, which is read and written at once."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

_FORMAT = b"fluxdoctor kept 1\n"
_DIGEST = 64


class Kept:
    """Answers by area and by the digest of what was asked of; without a folder they last for the run.

    A file that is not whole, or that another version of fluxdoctor or another format has written, holds nothing.
    What a run did not ask for is not kept any longer.
    """

    def __init__(self, folder: Path | None = None, repository: Iterable[str] = (), version: str = "") -> None:
        """``repository``: what tells it from others; ``version``: what else an answer depends on."""
        name = hashlib.sha256("\0".join(repository).encode("utf-8", "surrogateescape")).hexdigest()
        self._at = folder / f"{name}.kept" if folder else None
        self._salt = _FORMAT + version.encode() + b"\n"
        self._held: dict[str, dict[str, Any]] = self._load()
        self._asked: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self._new = False

    def get(self, area: str, digest: str) -> Any:
        """Return what was kept, or None."""
        asked = self._asked[area]
        if digest not in asked and (found := self._held.get(area, {}).get(digest)) is not None:
            asked[digest] = found
        return asked.get(digest)

    def put(self, area: str, digest: str, answer: Any) -> None:
        """Keep an answer: what JSON can hold, and no value of a Secret."""
        self._asked[area][digest] = answer
        self._new = True

    def drop(self, area: str, digests: Iterable[str]) -> None:
        """Keep none of these."""
        for digest in digests:
            self._new = self._asked[area].pop(digest, None) is not None or self._new

    def save(self) -> None:
        """Write what was asked for, where something in it is new; a folder that cannot be written is no error."""
        if self._at is None or not self._new:
            return
        try:
            held = orjson.dumps(self._asked)
            self._at.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = self._at.with_suffix(f".{os.getpid()}")
            part.touch(mode=0o600)
            part.write_bytes(self._digest(held) + held)
            part.replace(self._at)
        except (OSError, TypeError):
            return

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
