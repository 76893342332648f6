"""The YAML of a repository's files, by content: read once, however many trees hold a file, and in the next run not again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from fluxdoctor.collect import documents, objects, places
from fluxdoctor.collect.folder import Read
from fluxdoctor.collect.places import Text, View
from fluxdoctor.collect.worktree.kept import Kept

_AREA = "files"


class Reading:
    """Reads the files of one repository. What is not YAML to its end is read anew each time."""

    def __init__(self, files: Mapping[str, bytes], kept: Kept) -> None:
        """``files``: all of the repository; a generator makes Secrets of some."""
        self._files = files
        self._kept = kept
        self._known: dict[str, Read] = {}

    def read(self, content: bytes, path: str) -> Read:
        """Return the documents of a file, and why the rest cannot be read."""
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self._known:
            if (held := self._kept.get(_AREA, digest)) is not None:
                self._known[digest] = _restored(held, content)
            else:
                parsed = documents.parse(content, path)
                read = Read(tuple((d.body, d.marks) for d in parsed.documents), parsed.error)
                if parsed.error:
                    return read  # it names this very path
                self._known[digest] = read
                if b"ecret" not in content or not any(map(_is_secret, parsed.documents)):
                    self._kept.put(_AREA, digest, [_flat(document) for document in parsed.documents])
        return self._known[digest]

    def settle(self) -> None:
        """Forget the files whose content becomes a Secret."""
        generated = objects.generator_files(self._files)
        self._kept.drop(_AREA, (hashlib.sha256(self._files[p]).hexdigest() for p in generated if p in self._files))


def _is_secret(document: documents.Document) -> bool:
    """Tell a document that holds values of a Secret, or that could: it is kept nowhere."""
    body: Any = document.body
    generator = isinstance(body, dict) and ("secretGenerator" in body or body.get("kind") == "SecretGenerator")
    return generator or objects.without_values(body) is not body or objects.holds_secret_inside(body)


def _flat(document: documents.Document) -> list[Any]:
    assert isinstance(document.marks, View)  # noqa: S101 - of what was just parsed
    return [document.body, places.offsets(document.marks.root)]


def _restored(held: list[Any], content: bytes) -> Read:
    text = cache(lambda: Text(content))
    return Read(tuple((body, places.Kept(body, offsets, text)) for body, offsets in held))
