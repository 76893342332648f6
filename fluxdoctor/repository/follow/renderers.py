"""The renderers of a run: one for each artifact that clusters of the repository read."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Self

from fluxdoctor.intake.tree import tree_of
from fluxdoctor.model.tree import Tree
from fluxdoctor.repository.build import kustomize
from fluxdoctor.repository.build.cache import BuildCache
from fluxdoctor.repository.build.render import Renderer
from fluxdoctor.repository.files.manifest_reader import ManifestReader
from fluxdoctor.repository.files.repository import Repository
from fluxdoctor.repository.follow.discovery import EntryPoint

_DERIVED, _MADE = "\0derived", "\0made"


class Renderers:
    """One renderer for each root and each rule of what is ignored."""

    def __init__(
        self, repository: Repository, whole: Tree, reading: ManifestReader, run: kustomize.Command, cache: BuildCache
    ) -> None:
        self._repository, self._whole, self._read = repository, whole, reading.read
        self._run, self._cache = run, cache
        self._made: dict[tuple[str, str | None], Renderer] = {}
        self._copied: dict[tuple[str, str | None], tuple[str, Mapping[str, str]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for renderer in self._made.values():
            renderer.close()

    def of(self, entry: EntryPoint) -> Renderer:
        """Return the renderer of the artifact that a cluster begins in."""
        key = (entry.root, entry.ignore)
        if key not in self._made:
            self._made[key] = self._make(entry)
        return self._made[key]

    def _make(self, entry: EntryPoint) -> Renderer:
        prefix = f"{entry.root}/" if entry.root else ""
        files = {p.removeprefix(prefix): c for p, c in self._repository.files.items() if p.startswith(prefix)}
        # The whole tree keeps what it has parsed.
        tree = tree_of(files, entry.ignore, self._read) if prefix or entry.ignore else self._whole
        kept = {p: c for p, c in files.items() if p not in tree.excluded}
        return Renderer(tree, kept, self._run, self._cache)

    def visited(self) -> set[str]:
        """Return the folders that the builds read, from the repository's root."""
        found = {
            posixpath.join(key[0], path)
            for key, r in self._made.items()
            if key[0] not in (_DERIVED, _MADE)
            for path in r.visited
        }
        for key, (root, files) in self._copied.items():
            inside = self._made[key].visited
            found |= {
                posixpath.dirname(posixpath.join(root, at)) for p, at in files.items() if posixpath.dirname(p) in inside
            }
        return found

    def made(self, name: str, files: Mapping[str, bytes]) -> Renderer:
        """Return the renderer of files that stand nowhere in the repository."""
        key = (_MADE, name)
        if key not in self._made:
            self._made[key] = Renderer(tree_of(files, None), files, self._run, self._cache)
        return self._made[key]

    def derived(self, renderer: Renderer, files: Mapping[str, str]) -> Renderer:
        """Return the renderer of an artifact that is made of some files of another: path -> path in that one."""
        key = (_DERIVED, f"{id(renderer)} {sorted(files.items())}")
        if key not in self._made:
            root = next((k[0] for k, r in self._made.items() if r is renderer), "")
            self._copied[key] = (root, files)
            held = {path: renderer.files[place] for path, place in files.items() if place in renderer.files}
            self._made[key] = Renderer(tree_of(held, None, self._read), held, self._run, self._cache)
        return self._made[key]
