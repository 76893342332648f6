"""Which document of which file each object of a build was made of: there a person would change it.

kustomize can say so itself (buildMetadata: originAnnotations), and takes five times as long for it where bases are
nested. It keeps the order in which it reads, so what it read tells the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, TypeAlias

from fluxdoctor.model.manifests import Build, unlist
from fluxdoctor.model.resource import Resource
from fluxdoctor.model.tree import Tree

_Path: TypeAlias = tuple[str | int, ...]


class Header(NamedTuple):
    """What an object calls itself, before its variables are replaced."""

    kind: str
    namespace: str
    name: str


class Origin(NamedTuple):
    """A document of a file, by its number among all of it, Lists taken apart; -1: made by an entry of a kustomization file."""

    file: str
    number: int


def match(tree: Tree, built: Sequence[Header], read: Build | None) -> list[Origin | None]:
    """Find for each object of a build the document that it was made of; None where that cannot be told."""
    pairs = _Pairs(built, read.objects if read else ())
    numbers = {f: _numbers(tree, f) for f in sorted({r.file for r in pairs.found.values()})}
    return [_origin(pairs.found[i], numbers) if i in pairs.found else None for i in range(len(built))]


class _Pairs:
    """The objects of a build, by their number, each with its document: by identity, by name, by a part of it, by order."""

    def __init__(self, built: Sequence[Header], read: Sequence[Resource]) -> None:
        self._built, self._read = built, read
        self._used: set[int] = set()
        self.found: dict[int, Resource] = {}
        kinds = [r.text("kind") for r in read]
        self._by_keys(list(built), [Header(k, r.ref.namespace, r.ref.name) for k, r in zip(kinds, read, strict=True)])
        self._by_keys([(h.kind, h.name) for h in built], [(k, r.ref.name) for k, r in zip(kinds, read, strict=True)])
        for kind in sorted({h.kind for h in built}):
            self._in_part(kind, kinds)
            self._by_order(kind, kinds)

    def _take(self, i: int, number: int) -> None:
        self._used.add(number)
        self.found[i] = self._read[number]

    def _open(self, kind: str, kinds: Sequence[str]) -> tuple[list[int], list[int]]:
        built = [i for i, h in enumerate(self._built) if h.kind == kind and i not in self.found]
        return built, [n for n, k in enumerate(kinds) if k == kind and n not in self._used]

    def _by_keys(self, built: Sequence[tuple[str, ...]], read: Sequence[tuple[str, ...]]) -> None:
        known: dict[tuple[str, ...], list[int]] = {}
        for number in range(len(read) - 1, -1, -1):
            if number not in self._used:
                known.setdefault(read[number], []).append(number)
        for i, key in enumerate(built):
            if i not in self.found and known.get(key):
                self._take(i, known[key].pop())

    def _in_part(self, kind: str, kinds: Sequence[str]) -> None:
        """A prefix, or the hash of a generator, is in the name."""
        built, read = self._open(kind, kinds)
        for i in built:
            names = ((n, self._read[n].text("metadata.name") or self._read[n].name) for n in read)
            number = next((n for n, name in names if name and name in self._built[i].name), None)
            if number is not None:
                read.remove(number)
                self._take(i, number)

    def _by_order(self, kind: str, kinds: Sequence[str]) -> None:
        """A replacement or a patch has changed the names: as many objects of a kind as documents, in the same order."""
        built, read = self._open(kind, kinds)
        if len(built) == len(read):
            for i, number in zip(built, read, strict=True):
                self._take(i, number)


def _numbers(tree: Tree, file: str) -> dict[int, int]:
    return {id(r.body): i for i, r in enumerate(_documents(tree, file))}


def _origin(read: Resource, numbers: Mapping[str, Mapping[int, int]]) -> Origin:
    return Origin(read.file, numbers[read.file].get(id(read.body), -1))


def _documents(tree: Tree, file: str) -> list[Resource]:
    return [r for document in tree.parsed(file).documents for r in unlist(document)] if tree.is_file(file) else []


class LateMarks(Mapping[_Path, tuple[int, int]]):
    """Where the fields of a document stand: read when a finding asks for it."""

    def __init__(self, tree: Tree, origin: Origin) -> None:
        """``tree`` holds the file."""
        self._tree = tree
        self._origin = origin

    @cached_property
    def _marks(self) -> Mapping[_Path, tuple[int, int]]:
        documents = _documents(self._tree, self._origin.file)
        number = self._origin.number
        return documents[number].marks if 0 <= number < len(documents) else {}

    def __getitem__(self, path: _Path) -> tuple[int, int]:
        return self._marks[path]

    def __iter__(self) -> Iterator[_Path]:
        return iter(self._marks)

    def __len__(self) -> int:
        return len(self._marks)
