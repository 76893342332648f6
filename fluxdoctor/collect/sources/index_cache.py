"""Caches the indexes of Helm repositories between runs, by content and with a total size limit, without credentials."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO, Any

from fluxdoctor.collect.net.address import Address
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.model.probes import Answer

_MOST = 512 << 20
_DAY = 86_400
_VALIDATORS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


@dataclass(frozen=True)
class CachedIndex:
    """A complete index of an earlier run, and the request headers that check whether it has changed.

    The file is opened before the request, so it can be read even if the cache is deleted meanwhile.
    """

    file: IO[bytes]
    size: int
    conditions: Mapping[str, str]


class IndexCache:
    """The cache of indexes in a folder (None: no cache). Files that cannot be read or written count as missing."""

    def __init__(self, folder: Path | None) -> None:
        """Set the folder. Create no file yet."""
        self._folder = folder / "helm" if folder else None

    @contextlib.contextmanager
    def lookup(self, place: Address) -> Iterator[CachedIndex | None]:
        """Yield the cached index of a URL, or None if there is none or it is damaged."""
        with contextlib.ExitStack() as stack:
            cached = None
            if self._folder is not None:
                with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                    cached = self._open(self._folder, place, stack)
            yield cached

    def _open(self, folder: Path, place: Address, stack: contextlib.ExitStack) -> CachedIndex | None:
        metadata = json.loads(self._metadata_path(place).read_bytes())
        conditions = {header: str(metadata[name]) for name, header in _VALIDATORS.items() if metadata.get(name)}
        if not conditions:
            return None
        file = stack.enter_context((folder / f"{int(metadata['sha256'], 16):064x}.index").open("rb"))
        if hashlib.file_digest(file, "sha256").hexdigest() != metadata["sha256"]:
            return None
        return CachedIndex(file, os.fstat(file.fileno()).st_size, conditions)

    def _metadata_path(self, place: Address) -> Path:
        name = hashlib.sha256(place.url.encode()).hexdigest()
        return (self._folder or Path()) / f"{name}.json"

    @contextlib.contextmanager
    def draft(self) -> Iterator[Draft]:
        """Yield a draft to write to. Its file is removed afterwards, unless store() was called."""
        for folder in filter(None, (self._folder, Path(tempfile.gettempdir()) if _has_scratch() else None)):
            with contextlib.suppress(OSError):
                folder.mkdir(0o700, parents=True, exist_ok=True)
                file = tempfile.NamedTemporaryFile("w+b", 0, dir=folder, prefix=".part-")  # noqa: SIM115 - closed below
                break
        else:
            yield Draft(None)
            return
        try:
            yield Draft(file)
        finally:
            with contextlib.suppress(FileNotFoundError):
                file.close()

    def store(self, place: Address, draft: Draft, headers: Mapping[str, str]) -> None:
        """Store the content of a draft in the cache, and remove the oldest indexes if the cache is too large."""
        content = draft.file
        if self._folder is None or content is None or not any(headers.get(name) for name in _VALIDATORS):
            return
        metadata = {"sha256": draft.digest.hexdigest(), **{n: headers.get(n, "") for n in _VALIDATORS}}
        scratch = self._folder / f".part-{secrets.token_hex(8)}"
        try:
            Path(content.name).rename(self._folder / f"{metadata['sha256']}.index")
            scratch.write_text(json.dumps(metadata), "utf-8")
            scratch.replace(self._metadata_path(place))
            _prune(self._folder)
        except OSError:  # the folder was deleted, is full or is not writable: continue without a cache
            with contextlib.suppress(OSError):
                scratch.unlink()


class Draft:
    """A download in progress and its digest: in a file, or in memory if no file can be written."""

    def __init__(self, file: IO[bytes] | None) -> None:
        """``file``: unbuffered, so that its content is complete when the disk becomes full; None: use memory."""
        self.file = file
        self.size, self.digest = 0, hashlib.sha256()
        self._memory = bytearray()

    def write(self, piece: bytes) -> None:
        """Append a piece. Raises UnreachableError if the disk is full and the file cannot be read back."""
        if self.file is not None and not _write_all(self.file, piece):
            self._move_to_memory(self.file)
        if self.file is None:
            self._memory += piece
        self.digest.update(piece)
        self.size += len(piece)

    def _move_to_memory(self, file: IO[bytes]) -> None:
        self.file = None
        try:
            file.seek(0)
            self._memory += file.read(self.size)
            file.truncate(0)
        except OSError as error:
            raise UnreachableError(
                Answer.UNKNOWN, f"the index could not be written to disk: {error.strerror}"
            ) from None

    def read(self, reader: Callable[[Any], Any]) -> Any:
        """Return the result of a function for the content."""
        return read_mapped(self.file, reader) if self.file is not None else reader(bytes(self._memory))


def _write_all(file: IO[bytes], piece: bytes) -> bool:
    """Write a whole piece. Return False if the disk is full."""
    remaining = memoryview(piece)
    while remaining:
        try:
            remaining = remaining[file.write(remaining) :]
        except OSError:
            return False
    return True


def _has_scratch() -> bool:
    try:
        tempfile.gettempdir()
    except OSError:  # a container with a read-only root file system
        return False
    return True


def read_mapped(file: IO[bytes], read: Callable[[Any], Any]) -> Any:
    """Return the result of a function for the content of a file, which is mapped and not loaded into memory."""
    if os.fstat(file.fileno()).st_size == 0:
        return read(b"")
    with mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return read(content)


def _prune(folder: Path) -> None:
    """Remove the oldest indexes, and the temporary files of killed runs."""
    for part in folder.glob(".part-*"):
        if time.time() - part.stat().st_mtime > _DAY:
            part.unlink(missing_ok=True)
    indexes = sorted(((p.stat().st_mtime, p.stat().st_size, p) for p in folder.glob("*.index")), reverse=True)
    total = 0
    for _, size, path in indexes:
        total += size
        if total > _MOST:
            path.unlink(missing_ok=True)
