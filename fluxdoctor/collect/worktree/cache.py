"""What was built, by content: the same files and fields build to the same objects, in this run and in the next."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from fluxdoctor.collect.worktree.built import Built
from fluxdoctor.collect.worktree.origins import Origin

if TYPE_CHECKING:
    from fluxdoctor.collect.worktree.render import Rendering

_FORMAT = b"fluxdoctor build 6"


class Cache:
    """Renderings in a folder, as JSON; without a folder nothing is kept."""

    def __init__(
        self,
        folder: Path | None = None,
        version: str = "",
        parse: Callable[[str], tuple[dict[str, Any], ...]] | None = None,
    ) -> None:
        """``version``: what else the result depends on, such as which kustomize; ``parse`` reads a built text."""
        self._folder = folder
        self._version = version.encode()
        self._parse = parse

    def key(self, directory: str, body: Mapping[str, Any], files: Iterable[tuple[str, bytes]]) -> str:
        """Return the name of a build: its directory, its kustomization file, and every file that it reads with its digest."""
        digest = hashlib.sha256(_FORMAT + self._version + directory.encode("utf-8", "surrogateescape"))
        digest.update(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
        for path, content in files:
            digest.update(path.encode("utf-8", "surrogateescape") + b"\0" + content)
        return digest.hexdigest()

    def get(self, key: str) -> Rendering | None:
        """Return what was kept, or None."""
        from fluxdoctor.collect.worktree.render import Rendering

        if self._folder is None:
            return None
        try:
            held = orjson.loads((self._folder / key[:2] / f"{key}.json").read_bytes())
            documents = self._reads(tuple(map(Built.load, held.pop("documents"))))
            places = tuple(Origin(*o) if o else None for o in held.pop("origins"))
            return Rendering(documents, places, **held)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _reads(self, documents: tuple[Built, ...]) -> tuple[Built, ...]:
        """Let documents be read by whoever knows them from an earlier run."""
        if self._parse:
            for document in documents:
                document.parse = self._parse
        return documents

    def put(self, key: str, rendering: Rendering) -> None:
        """Keep a rendering; a folder that cannot be written is no error. A Secret's value is never kept."""
        if self._folder is None:
            return
        documents = [d.kept() for d in self._reads(rendering.documents)]
        if None in documents:
            return
        at = self._folder / key[:2] / f"{key}.json"
        held: dict[str, Any] = {name: getattr(rendering, name) for name in ("error", "reason", "partial", "raw")}
        held |= {"documents": documents, "origins": [tuple(o) if o else None for o in rendering.origins]}
        try:
            at.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = at.with_suffix(f".{os.getpid()}")
            part.write_bytes(orjson.dumps(held))
            part.replace(at)
        except (OSError, TypeError):
            return
