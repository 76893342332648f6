"""The files of one revision of a source, and the YAML documents in them."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from fluxdoctor.model.memo import Memo
from fluxdoctor.model.resource import Location, Ref, Resource
from fluxdoctor.model.similar import similar_paths


@dataclass(frozen=True, slots=True)
class SyntaxFlaw:
    """Why a file is not YAML: the parser's message, never the file's content."""

    location: Location
    problem: str
    is_alias_bomb: bool = False
    """Whether its aliases stand for more nodes than other parsers can hold."""


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """The documents of a file, up to the first one that is invalid."""

    documents: tuple[Resource, ...] = ()
    flaw: SyntaxFlaw | None = None
    repeated: Location | None = None
    """The location of a key that its mapping already has; kustomize rejects it."""


@lru_cache(1 << 16)
def clean(path: str) -> str:
    """Return a normalised path in an artifact; ``..`` cannot leave the root, as in SecureJoin (kustomize-controller 1.9)."""
    return posixpath.normpath("/" + path.strip()).lstrip("/")


class Tree(Memo):
    """The files of one revision of a repository. ``excluded`` maps each file that is not in the artifact to its pattern."""

    def __init__(
        self,
        paths: Iterable[str],
        parse: Callable[[str], ParsedFile],
        excluded: Mapping[str, str] | None = None,
        text: Callable[[str], bytes] | None = None,
        says: Callable[[str, bytes], bool] | None = None,
    ) -> None:
        """``parse`` returns the YAML of a file, ``text`` its bytes without secret values; the content never changes.

        ``says`` tells whether a word is in that text, for rules that search every file.
        """
        self.paths = tuple(sorted(paths))
        self._files = frozenset(self.paths)
        self._parse = parse
        self.text = text or (lambda _: b"")
        self.says = says or (lambda path, word: word in self.text(path))
        self._parsed: dict[str, ParsedFile] = {}
        self.excluded = dict(excluded or {})

    @cached_property
    def directories(self) -> frozenset[str]:
        """Every directory, "" for the root."""
        directories = {""}
        for path in self.paths:
            parent = posixpath.dirname(path)
            while parent not in directories:
                directories.add(parent)
                parent = posixpath.dirname(parent)
        return frozenset(directories)

    def is_file(self, path: str) -> bool:
        """Tell whether the path is a file."""
        return clean(path) in self._files

    def is_directory(self, path: str) -> bool:
        """Tell whether the path is a directory."""
        return clean(path) in self.directories

    @cached_property
    def _artifact_directories(self) -> frozenset[str]:
        artifact = Tree((p for p in self.paths if p not in self.excluded), self._parse)
        return artifact.directories

    def hidden_by(self, path: str) -> str:
        """Return the ignore pattern that excludes a file or a whole directory from the artifact, or ""."""
        path = clean(path)
        if path in self.excluded:
            return self.excluded[path]
        if path not in self.directories or path in self._artifact_directories:
            return ""
        return next((why for p, why in self.excluded.items() if p.startswith(path + "/")), "")

    def under(self, directory: str) -> tuple[str, ...]:
        """Return the files below a directory, sorted."""
        prefix = clean(directory)
        if not prefix:
            return self.paths
        # "0" follows "/" in ASCII, so all paths that begin with the directory and a slash are between these two.
        return self.paths[bisect_left(self.paths, f"{prefix}/") : bisect_left(self.paths, f"{prefix}0")]

    def parsed(self, path: str) -> ParsedFile:
        """Return the YAML documents of a file; read once."""
        if path not in self._parsed:
            self._parsed[path] = self._parse(path)
        return self._parsed[path]

    def nearest(self, path: str, *, directories: bool = True) -> tuple[str, ...]:
        """Return at most three similar paths, the most similar first; of directories, or of files."""
        return self.memo(_nearest, clean(path), directories)


def _nearest(tree: Tree, path: str, directories: bool) -> tuple[str, ...]:
    return similar_paths(path, tree.directories - {""} if directories else tree.paths)


class GitTrees:
    """The trees and the remote refs of GitRepositories."""

    def __init__(
        self, trees: Mapping[Ref, Tree] | None = None, refs: Mapping[Ref, Mapping[str, str]] | None = None
    ) -> None:
        """``refs``: the result of ls-remote, ref name -> commit, by GitRepository."""
        self.trees = dict(trees or {})
        self.remotes = {source: dict(commits) for source, commits in (refs or {}).items()}

    def tree(self, source: Ref) -> Tree | None:
        """Return the files of a source's revision, or None if they were not fetched."""
        return self.trees.get(source)

    def refs(self, source: Ref) -> Mapping[str, str] | None:
        """Return the remote's refs (``refs/heads/main`` -> commit), or None if they were not listed."""
        return self.remotes.get(source)

    def names(self, source: Ref, prefix: str) -> tuple[str, ...] | None:
        """Return the branches (prefix ``refs/heads/``) or tags (``refs/tags/``), sorted; None if unknown."""
        refs = self.refs(source)
        if refs is None:
            return None
        return tuple(sorted(n.removeprefix(prefix) for n in refs if n.startswith(prefix) and not n.endswith("^{}")))
