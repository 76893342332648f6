"""The YAML of a repository's files, by content: read once, however many trees hold a file, and in the next run not again."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson

from fluxdoctor.intake import documents, masking, objects, places
from fluxdoctor.intake.places import Text, View
from fluxdoctor.intake.tree import YamlFile as Read
from fluxdoctor.intake.tree import yaml_file as said
from fluxdoctor.model.manifests import FILE_NAMES
from fluxdoctor.repository.files import texts
from fluxdoctor.repository.files.content_cache import ContentCache

_FILES, _TEXTS = "files", "texts"


class ManifestReader:
    """Reads the files of one repository.

    What is not YAML to its end is read anew each time, and so is what is neither Kubernetes objects nor a kustomization
    file: nobody can tell what else holds a secret.
    """

    def __init__(self, files: Mapping[str, bytes], kept: ContentCache) -> None:
        """``files``: all of the repository; a generator makes Secrets of some."""
        self._files = files
        self._kept = kept
        self._known: dict[str, Read] = {}
        self._texts: dict[str, tuple[dict[str, Any], ...]] = {}

    def read(self, content: bytes, path: str) -> Read:
        """Return the documents of a file, and why the rest cannot be read."""
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self._known:
            if (held := self._kept.get(_FILES, digest)) is not None:
                self._known[digest] = _restored(held, content)
            else:
                parsed = documents.parse(content, path)
                read = said(parsed)
                if parsed.error:
                    return read  # it names this very path
                self._known[digest] = read
                bodies = [d.body for d in parsed.documents]
                if (
                    not parsed.repeated
                    and (posixpath.basename(path) in FILE_NAMES or all(map(_is_object, bodies)))
                    and _may_be_kept(bodies)
                ):
                    self._kept.put(_FILES, digest, [_flat(document) for document in parsed.documents])
        return self._known[digest]

    def bodies(self, text: str) -> tuple[dict[str, Any], ...]:
        """Return the objects of a text that kustomize wrote, its variables replaced. Never change one: they are shared."""
        if text not in self._texts:
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
            held = self._kept.get(_TEXTS, digest)
            known = self._texts[text] = texts.bodies(text) if held is None else tuple(held)
            if held is None and _may_be_kept(known):
                self._kept.put(_TEXTS, digest, known)
        return self._texts[text]

    def settle(self) -> None:
        """Forget the files whose content becomes a Secret."""
        generated = masking.generator_files(self._files)
        self._kept.drop(_FILES, (hashlib.sha256(self._files[p]).hexdigest() for p in generated if p in self._files))


def _is_object(body: Any) -> bool:
    return isinstance(body, dict) and "apiVersion" in body and "kind" in body


def _may_be_kept(bodies: Sequence[Any]) -> bool:
    """Tell whether documents hold no value of a Secret, and are what JSON can hold."""
    try:
        text = orjson.dumps(bodies)
    except TypeError:  # a text that is no Unicode
        return False
    return b"ecret" not in text or not any(map(_is_secret, bodies))


def _is_secret(body: Any) -> bool:
    generator = isinstance(body, dict) and ("secretGenerator" in body or body.get("kind") == "SecretGenerator")
    return generator or objects.without_values(body) is not body or objects.holds_secret_inside(body)


def _flat(document: documents.Document) -> list[Any]:
    assert isinstance(document.marks, View)  # noqa: S101 - of what was just parsed
    # A text that is split when a finding asks for a place: thousands of numbers are read for nothing in most runs.
    return [document.body, " ".join(map(str, places.offsets(document.marks.root)))]


def _restored(held: list[Any], content: bytes) -> Read:
    text = cache(lambda: Text(content))
    return Read(tuple((body, places.RestoredPlaces(body, offsets, text)) for body, offsets in held))
