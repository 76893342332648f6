"""Indexes that were fetched, kept between runs: by content, small in sum, safe to delete, and without any login."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO, Any

from fluxdoctor.collect.address import Address
from fluxdoctor.collect.reach import UnreachableError
from fluxdoctor.model.facts import Answer

_MOST = 512 << 20
_A_DAY = 86_400
_VALIDATORS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


@dataclass(frozen=True)
class Kept:
    """An index of an earlier run: its file, and the headers that ask whether it is still the one."""

    path: Path
    conditions: Mapping[str, str]


class Cache:
    """The indexes below a folder; without a folder nothing is kept. What cannot be read or written is as if not there."""

    def __init__(self, folder: Path | None) -> None:
        """Touch nothing yet."""
        self._folder = folder / "helm" if folder else None

    def find(self, place: Address) -> Kept | None:
        """Return what is kept of a place, if it is whole."""
        if self._folder is None:
            return None
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            about = json.loads(self._about(place).read_bytes())
            path = self._folder / f"{int(about['sha256'], 16):064x}.index"
            conditions = {header: str(about[name]) for name, header in _VALIDATORS.items() if about.get(name)}
            if conditions and path.stat().st_size == about["size"]:
                return Kept(path, conditions)
        return None

    def _about(self, place: Address) -> Path:
        name = hashlib.sha256(place.url.encode()).hexdigest()
        return (self._folder or Path()) / f"{name}.json"

    @contextlib.contextmanager
    def draft(self) -> Iterator[Draft]:
        """Give a file to write to that is gone afterwards, unless it is kept."""
        folder = self._folder
        try:
            if folder:
                folder.mkdir(0o700, parents=True, exist_ok=True)
            file = tempfile.NamedTemporaryFile("w+b", dir=folder, prefix=".part-")  # noqa: SIM115 - closed below
        except OSError:
            folder = None
            file = tempfile.NamedTemporaryFile("w+b")  # noqa: SIM115 - closed below
        try:
            yield Draft(file, folder)
        finally:
            with contextlib.suppress(FileNotFoundError):
                file.close()

    def keep(self, place: Address, draft: Draft, headers: Mapping[str, str]) -> None:
        """Keep what was written to a draft; what is oldest goes where it is too much."""
        if draft.folder is None or not any(headers.get(name) for name in _VALIDATORS):
            return
        about = {"sha256": draft.digest.hexdigest(), "size": draft.size, **{n: headers.get(n, "") for n in _VALIDATORS}}
        with contextlib.suppress(OSError):
            draft.file.flush()
            Path(draft.file.name).replace(draft.folder / f"{about['sha256']}.index")
            written = self._about(place).with_suffix(f".{os.getpid()}")
            written.write_text(json.dumps(about), "utf-8")
            written.replace(self._about(place))
            _prune(draft.folder)


class Draft:
    """A file under way, with the digest of what is in it."""

    def __init__(self, file: IO[bytes], folder: Path | None) -> None:
        """``folder``: where it may be kept."""
        self.file, self.folder = file, folder
        self.size, self.digest = 0, hashlib.sha256()

    def write(self, piece: bytes) -> None:
        """Append a piece. Raises UnreachableError where there is no room for it."""
        try:
            self.file.write(piece)
        except OSError as error:
            raise UnreachableError(Answer.UNKNOWN, f"it could not be written down here: {error.strerror}") from None
        self.digest.update(piece)
        self.size += len(piece)


def mapped(file: IO[bytes], read: Callable[[Any], Any]) -> Any:
    """Call a function with the content of a file, which does not come into memory whole."""
    file.flush()
    if os.fstat(file.fileno()).st_size == 0:
        return read(b"")
    with mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return read(content)


def _prune(folder: Path) -> None:
    """Take the oldest away, and what a run that was killed left behind."""
    for part in folder.glob(".part-*"):
        if time.time() - part.stat().st_mtime > _A_DAY:
            part.unlink(missing_ok=True)
    found = sorted(((p.stat().st_mtime, p.stat().st_size, p) for p in folder.glob("*.index")), reverse=True)
    total = 0
    for _, size, path in found:
        total += size
        if total > _MOST:
            path.unlink(missing_ok=True)
