"""Parses the YAML of a repository by content: each content once for all trees, and not again in the next run."""

from __future__ import annotations

import functools
import hashlib
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from fluxdoctor.intake import documents, masking, places, secret_places
from fluxdoctor.intake.places import Text, View
from fluxdoctor.intake.tree import YamlFile, yaml_file
from fluxdoctor.model.manifests import FILE_NAMES
from fluxdoctor.repository.files import texts
from fluxdoctor.repository.files.content_cache import ContentCache

_FILES, _TEXTS = "files", "texts"


class ManifestReader:
    """Reads the files of one repository.

    Two kinds of files are not cached: files with a syntax error, and files without Kubernetes objects that are no kustomization
    files. Nothing tells which values of the latter are secret.
    """

    def __init__(self, files: Mapping[str, bytes], cache: ContentCache) -> None:
        """``files``: all files of the repository. Generators make Secrets of some of them."""
        self._files = files
        self._cache = cache
        self._by_digest: dict[str, YamlFile] = {}
        self._by_text: dict[str, tuple[dict[str, Any], ...]] = {}

    def read(self, content: bytes, path: str) -> YamlFile:
        """Return the documents of a file, and its syntax error."""
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self._by_digest:
            if (entry := self._cache.get(_FILES, digest)) is not None:
                self._by_digest[digest] = _from_cache(entry, content)
            else:
                parsed = documents.parse(content, path)
                file = yaml_file(parsed)
                if parsed.error:
                    return file  # the error names this very path
                self._by_digest[digest] = file
                bodies = [d.body for d in parsed.documents]
                if (
                    not parsed.repeated
                    and (posixpath.basename(path) in FILE_NAMES or all(map(_is_object, bodies)))
                    and _is_cacheable(bodies)
                ):
                    self._cache.put(_FILES, digest, [_to_cache(document) for document in parsed.documents])
        return self._by_digest[digest]

    def bodies(self, text: str) -> tuple[dict[str, Any], ...]:
        """Return the objects of a text that kustomize built, after substitution. They are shared: do not change them."""
        if text not in self._by_text:
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
            entry = self._cache.get(_TEXTS, digest)
            bodies = self._by_text[text] = texts.bodies(text) if entry is None else tuple(entry)
            if entry is None and _is_cacheable(bodies):
                self._cache.put(_TEXTS, digest, bodies)
        return self._by_text[text]

    def _bodies_of(self, content: bytes, path: str) -> list[object]:
        return [body for body, _ in self.read(content, path).documents]

    def drop_secret_sources(self) -> None:
        """Remove files from the cache that a generator or a patch makes a part of a Secret of."""
        generated = masking.secret_sources(self._files, self._bodies_of)
        self._cache.drop(_FILES, (hashlib.sha256(self._files[p]).hexdigest() for p in generated if p in self._files))


def _is_object(body: Any) -> bool:
    return isinstance(body, dict) and "apiVersion" in body and "kind" in body


def _is_cacheable(bodies: Sequence[Any]) -> bool:
    """Tell whether documents contain no value of a Secret and can be encoded as JSON."""
    try:
        text = orjson.dumps(bodies)
    except TypeError:  # a text that is not valid Unicode
        return False
    return not (secret_places.may_hold_values(text) and any(map(secret_places.has_values, bodies)))


def _to_cache(document: documents.Document) -> list[Any]:
    assert isinstance(document.marks, View)  # noqa: S101 - parsed just now
    # One text, split when a finding needs a position: most runs would read thousands of numbers for nothing.
    return [document.body, " ".join(map(str, places.offsets(document.marks.root)))]


def _from_cache(entry: list[Any], content: bytes) -> YamlFile:
    text = functools.cache(lambda: Text(content))
    return YamlFile(tuple((body, places.RestoredPlaces(body, offsets, text)) for body, offsets in entry))
