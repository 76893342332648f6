"""Content-addressed cache of parsed and built manifests: one append-only file per repository, read at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import orjson

_FORMAT = b"fluxdoctor kept 4\n"
_DIGEST, _LENGTH = 64, 12
_HEADER = _DIGEST + _LENGTH
_MAX_PARTS = 16

Areas: TypeAlias = dict[str, dict[str, Any]]

# Rejected:
# - pickle: loading it runs code from the file.
# - One file per manifest or build: 300 reads took longer than reading the JSON.
# - Rewriting the file each time.
# - Caching files without Kubernetes objects: no one can tell what is secret in them.


class ContentCache:
    """Answers by area and by the digest of their input. Without a folder they last only for this run.

    The file is a sequence of parts. Loading stops at a part that is incomplete, or that another version of fluxdoctor or
    another format wrote. Answers that this run does not request stay in the file, because another branch may need them,
    until they are more than half as many as the requested ones.
    """

    def __init__(self, folder: Path | None = None, repository: Iterable[str] = (), version: str = "") -> None:
        """Read the file of a repository.

        ``repository``: texts that identify it, such as its URLs; ``version``: what else an answer depends on.
        """
        name = hashlib.sha256("\0".join(repository).encode("utf-8", "surrogateescape")).hexdigest()
        self._file = folder / f"{name}.kept" if folder else None
        self._salt = _FORMAT + version.encode() + b"\n"
        self._part_count = 0
        self._is_sound = True
        """Everything in the file can stay there."""
        self._stored: Areas = {}
        self._requested: Areas = {}
        for part in self._load():
            _merge(self._stored, part)

    @property
    def is_persistent(self) -> bool:
        """Tell whether answers outlive this run."""
        return self._file is not None

    def get(self, area: str, digest: str) -> Any:
        """Return a stored answer, or None."""
        answers = self._requested.setdefault(area, {})
        if digest not in answers and (answer := self._stored.get(area, {}).get(digest)) is not None:
            answers[digest] = answer
        return answers.get(digest)

    def put(self, area: str, digest: str, answer: Any) -> None:
        """Store an answer. It must be plain JSON, without any value of a Secret."""
        self._requested.setdefault(area, {})[digest] = answer

    def drop(self, area: str, digests: Iterable[str]) -> None:
        """Remove these answers, also from the file at the next ``save``."""
        for digest in digests:
            self._requested.get(area, {}).pop(digest, None)
            if self._stored.get(area, {}).pop(digest, None) is not None:
                self._is_sound = False

    def save(self) -> None:
        """Write the new answers and remove the dropped ones. Ignore a folder that is not writable."""
        stored = self._stored
        new = {
            area: {digest: answer for digest, answer in answers.items() if digest not in stored.get(area, {})}
            for area, answers in self._requested.items()
        }
        if self._file is None or (self._is_sound and not any(new.values())):
            return
        _merge(self._stored, self._requested)
        total, requested = (sum(map(len, areas.values())) for areas in (self._stored, self._requested))
        has_too_much = total - requested > requested / 2
        try:
            if self._is_sound and 0 < self._part_count < _MAX_PARTS and not has_too_much:
                self._append(self._file, new)
            else:
                self._replace(self._file, self._requested if has_too_much else self._stored)
        except (OSError, TypeError):
            return

    def _append(self, file: Path, areas: Areas) -> None:
        # Another run may add to the file or replace it at the same time. That spoils this part at most: a part has a checksum.
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, self._encode_part(areas))
        finally:
            os.close(descriptor)

    def _replace(self, file: Path, areas: Areas) -> None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = file.with_suffix(f".{os.getpid()}")
        temporary.touch(mode=0o600)
        temporary.write_bytes(self._encode_part(areas))
        temporary.replace(file)

    def _encode_part(self, areas: Areas) -> bytes:
        content = orjson.dumps(areas)
        return self._checksum(content) + b"%0*d" % (_LENGTH, len(content)) + content

    def _load(self) -> Iterator[Areas]:
        try:
            rest = memoryview(self._file.read_bytes() if self._file else b"")
            while rest:
                content = rest[_HEADER : _HEADER + int(rest[_DIGEST:_HEADER].tobytes())]
                if rest[:_DIGEST] != self._checksum(content):
                    self._is_sound = False
                    return
                yield orjson.loads(content)
                self._part_count += 1
                rest = rest[_HEADER + len(content) :]
        except OSError:
            return
        except ValueError:
            self._is_sound = False

    def _checksum(self, content: bytes | memoryview) -> bytes:
        digest = hashlib.sha256(self._salt)
        digest.update(content)
        return digest.hexdigest().encode()


def _merge(areas: Areas, more: Mapping[str, dict[str, Any]]) -> None:
    for area, answers in more.items():
        areas.setdefault(area, {}).update(answers)
