"""What was built, by content: the same files and fields build to the same objects, in this run and in the next."""

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
_FIELDS = ("error", "reason", "partial", "raw")
_DIGEST = 16  # bytes: enough to tell documents apart, and thousands of builds name dozens each

_Placed: TypeAlias = tuple[BuiltDocument, Origin | None]


class BuildCache:
    """Renderings among what is kept of a repository, each document of many builds once."""

    def __init__(
        self, kept: ContentCache, version: str = "", parse: Callable[[str], tuple[dict[str, Any], ...]] | None = None
    ) -> None:
        """``version``: what else the result depends on, such as which kustomize; ``parse`` reads a built text."""
        self._kept = kept
        self._version = version.encode()
        self._parse = parse
        self._read: dict[str, _Placed] = {}

    def key(self, directory: str, body: Mapping[str, Any], files: Iterable[tuple[str, bytes]]) -> str:
        """Return the name of a build: its directory, its kustomization file, and every file that it reads with its digest."""
        digest = hashlib.sha256(self._version + directory.encode("utf-8", "surrogateescape"))
        digest.update(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
        for path, content in files:
            digest.update(path.encode("utf-8", "surrogateescape") + b"\0" + content)
        return digest.hexdigest()

    def get(self, key: str) -> Rendering | None:
        """Return what was kept, or None. Its documents are shared with other builds that have the same."""
        held = self._kept.get(_BUILDS, key)
        placed = [self._placed(digest) for digest in held["documents"]] if held else []
        if not held or None in placed:
            return None
        documents, places = zip(*placed, strict=True) if placed else ((), ())
        return Rendering(documents, places, **{name: held[name] for name in _FIELDS})

    def _placed(self, digest: str) -> _Placed | None:
        if digest not in self._read:
            held = self._kept.get(_DOCUMENTS, digest)
            if held is None:
                return None
            document, place = held
            self._read[digest] = self._reads(BuiltDocument.load(document)), Origin(*place) if place else None
        return self._read[digest]

    def _reads(self, document: BuiltDocument) -> BuiltDocument:
        """Let a document be read by whoever knows it from an earlier run."""
        if self._parse:
            document.parse = self._parse
        return document

    def put(self, key: str, rendering: Rendering) -> None:
        """Keep a rendering, unless the value of a Secret is in it, or a text that is no Unicode."""
        if not self._kept.lasts:
            return
        documents = [self._reads(document).kept() for document in rendering.documents]
        if None in documents:
            return
        places = [tuple(origin) if origin else None for origin in rendering.origins]
        placed = list(zip(documents, places, strict=True))
        try:
            names = [hashlib.blake2b(orjson.dumps(one), digest_size=_DIGEST).hexdigest() for one in placed]
        except TypeError:
            return
        for name, one in zip(names, placed, strict=True):
            self._kept.put(_DOCUMENTS, name, one)
        held: dict[str, Any] = {name: getattr(rendering, name) for name in _FIELDS}
        self._kept.put(_BUILDS, key, held | {"documents": names})
