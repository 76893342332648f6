"""The renderers of a run: one for each artifact that the clusters of the repository read."""

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

_DERIVED, _GENERATED = "\0derived", "\0generated"


class Renderers:
    """One renderer for each artifact root and each value of spec.ignore, and for each derived artifact."""

    def __init__(
        self, repository: Repository, tree: Tree, reader: ManifestReader, command: kustomize.Command, cache: BuildCache
    ) -> None:
        """``tree``: the whole repository."""
        self._repository, self._tree, self._read = repository, tree, reader.read
        self._command, self._cache = command, cache
        self._by_key: dict[tuple[str, str | None], Renderer] = {}
        self._derived_files: dict[tuple[str, str | None], tuple[str, Mapping[str, str]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for renderer in self._by_key.values():
            renderer.close()

    def for_entry(self, entry: EntryPoint) -> Renderer:
        """Return the renderer of the artifact that a cluster begins in."""
        key = (entry.root, entry.ignore)
        if key not in self._by_key:
            self._by_key[key] = self._create(entry)
        return self._by_key[key]

    def _create(self, entry: EntryPoint) -> Renderer:
        prefix = f"{entry.root}/" if entry.root else ""
        files = {p.removeprefix(prefix): c for p, c in self._repository.files.items() if p.startswith(prefix)}
        # The tree of the whole repository remembers what it has parsed.
        tree = tree_of(files, entry.ignore, self._read) if prefix or entry.ignore else self._tree
        included = {p: c for p, c in files.items() if p not in tree.excluded}
        return Renderer(tree, included, self._command, self._cache)

    def visited_folders(self) -> set[str]:
        """Return the folders that the builds read, from the root of the repository."""
        folders = {
            posixpath.join(key[0], path)
            for key, r in self._by_key.items()
            if key[0] not in (_DERIVED, _GENERATED)
            for path in r.visited_folders
        }
        for key, (root, files) in self._derived_files.items():
            visited = self._by_key[key].visited_folders
            folders |= {
                posixpath.dirname(posixpath.join(root, source))
                for path, source in files.items()
                if posixpath.dirname(path) in visited
            }
        return folders

    def for_files(self, name: str, files: Mapping[str, bytes]) -> Renderer:
        """Return the renderer of generated files, which are not in the repository; ``name``: identifies them."""
        key = (_GENERATED, name)
        if key not in self._by_key:
            self._by_key[key] = Renderer(tree_of(files, None), files, self._command, self._cache)
        return self._by_key[key]

    def for_derived(self, renderer: Renderer, files: Mapping[str, str]) -> Renderer:
        """Return the renderer of an artifact that is made of files of another; ``files``: path -> path in the other one."""
        key = (_DERIVED, f"{id(renderer)} {sorted(files.items())}")
        if key not in self._by_key:
            root = next((k[0] for k, r in self._by_key.items() if r is renderer), "")
            self._derived_files[key] = (root, files)
            contents = {path: renderer.files[source] for path, source in files.items() if source in renderer.files}
            self._by_key[key] = Renderer(tree_of(contents, None, self._read), contents, self._command, self._cache)
        return self._by_key[key]
