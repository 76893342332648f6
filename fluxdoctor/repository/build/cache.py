"""Caches builds by content: the same files and fields build to the same objects, in this run and in the next."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import orjson

from fluxdoctor.repository.build.document import BuiltDocument
from fluxdoctor.repository.build.origins import Origin
from fluxdoctor.repository.build.rendering import Rendering
from fluxdoctor.repository.files.content_cache import ContentCache

_BUILDS, _DOCUMENTS = "builds", "documents"
_FIELDS = ("error", "reason", "is_partial", "is_raw")
_DIGEST = 16  # bytes: enough to tell documents apart, and thousands of builds name dozens each

_OriginatedDocument: TypeAlias = tuple[BuiltDocument, Origin | None]


class BuildCache:
    """Renderings in the content cache of a repository. A document that many builds share is stored once."""

    def __init__(
        self, cache: ContentCache, version: str = "", parse: Callable[[str], tuple[dict[str, Any], ...]] | None = None
    ) -> None:
        """``version``: what else the result depends on, such as the kustomize command; ``parse``: parses a built text."""
        self._cache = cache
        self._version = version.encode()
        self._parse = parse
        self._documents: dict[str, _OriginatedDocument] = {}

    def key(self, directory: str, body: Mapping[str, Any], files: Iterable[tuple[str, bytes]]) -> str:
        """Return the key of a build: a digest of its directory, kustomization file, paths, and digests of the files."""
        digest = hashlib.sha256(self._version + directory.encode("utf-8", "surrogateescape"))
        digest.update(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
        for path, content in files:
            digest.update(path.encode("utf-8", "surrogateescape") + b"\0" + content)
        return digest.hexdigest()

    def get(self, key: str) -> Rendering | None:
        """Return a cached rendering, or None. Its documents are shared with the other builds that have them."""
        entry = self._cache.get(_BUILDS, key)
        pairs = [self._document(digest) for digest in entry["documents"]] if entry else []
        if not entry or None in pairs:
            return None
        documents, origins = zip(*pairs, strict=True) if pairs else ((), ())
        return Rendering(documents, origins, **{name: entry[name] for name in _FIELDS})

    def _document(self, digest: str) -> _OriginatedDocument | None:
        if digest not in self._documents:
            entry = self._cache.get(_DOCUMENTS, digest)
            if entry is None:
                return None
            document, origin = entry
            restored = self._with_parser(BuiltDocument.from_cache(document))
            self._documents[digest] = restored, Origin(*origin) if origin else None
        return self._documents[digest]

    def _with_parser(self, document: BuiltDocument) -> BuiltDocument:
        """Set the parser of a document, which may have cached its text in an earlier run."""
        if self._parse:
            document.parse = self._parse
        return document

    def put(self, key: str, rendering: Rendering) -> None:
        """Store a rendering, unless it contains a value of a Secret or a text that is not valid Unicode."""
        if not self._cache.is_persistent:
            return
        documents = [self._with_parser(document).to_cache() for document in rendering.documents]
        if None in documents:
            return
        origins = [tuple(origin) if origin else None for origin in rendering.origins]
        pairs = list(zip(documents, origins, strict=True))
        try:
            digests = [hashlib.blake2b(orjson.dumps(pair), digest_size=_DIGEST).hexdigest() for pair in pairs]
        except TypeError:
            return
        for digest, pair in zip(digests, pairs, strict=True):
            self._cache.put(_DOCUMENTS, digest, pair)
        entry: dict[str, Any] = {name: getattr(rendering, name) for name in _FIELDS}
        self._cache.put(_BUILDS, key, entry | {"documents": digests})
