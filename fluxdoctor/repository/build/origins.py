"""Finds the document of a file that each object of a build is made of. A user changes the object there.

kustomize can annotate the origin itself (buildMetadata: originAnnotations), but with nested bases that takes five times as long.
It keeps the order in which it reads files, so the list of documents that it reads gives the same answer.
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
    """The identity that an object declares, before substitution."""

    kind: str
    namespace: str
    name: str


class Origin(NamedTuple):
    """A document of a file.

    ``number``: its index in the file, with the items of a List counted one by one. It is -1 if an entry of a kustomization
    file makes the object.
    """

    file: str
    number: int


def match(tree: Tree, built: Sequence[Header], read: Build | None) -> list[Origin | None]:
    """Return for each object of a build the document that it is made of, or None if that is unknown.

    ``read``: the documents that the build reads, in the order of kustomize.
    """
    matcher = _Matcher(built, read.objects if read else ())
    indexes = {f: _document_numbers(tree, f) for f in sorted({r.file for r in matcher.matches.values()})}
    return [_origin(matcher.matches[i], indexes) if i in matcher.matches else None for i in range(len(built))]


class _Matcher:
    """Matches the objects of a build with documents: by identity, by name, by a part of the name, then by order."""

    def __init__(self, built: Sequence[Header], documents: Sequence[Resource]) -> None:
        self._headers, self._documents = built, documents
        self._used: set[int] = set()
        self.matches: dict[int, Resource] = {}
        """The document of each object, by the index of the object."""
        kinds = [r.text("kind") for r in documents]
        pairs = list(zip(kinds, documents, strict=True))
        self._match_keys(list(built), [Header(k, r.ref.namespace, r.ref.name) for k, r in pairs])
        self._match_keys([(h.kind, h.name) for h in built], [(k, r.ref.name) for k, r in pairs])
        for kind in sorted({h.kind for h in built}):
            self._match_name_parts(kind, kinds)
            self._match_order(kind, kinds)

    def _add(self, index: int, number: int) -> None:
        self._used.add(number)
        self.matches[index] = self._documents[number]

    def _unmatched(self, kind: str, kinds: Sequence[str]) -> tuple[list[int], list[int]]:
        """Return the indexes of the objects and of the documents of a kind that have no match yet."""
        objects = [i for i, h in enumerate(self._headers) if h.kind == kind and i not in self.matches]
        return objects, [n for n, k in enumerate(kinds) if k == kind and n not in self._used]

    def _match_keys(self, object_keys: Sequence[tuple[str, ...]], document_keys: Sequence[tuple[str, ...]]) -> None:
        numbers: dict[tuple[str, ...], list[int]] = {}
        for number in range(len(document_keys) - 1, -1, -1):
            if number not in self._used:
                numbers.setdefault(document_keys[number], []).append(number)
        for index, key in enumerate(object_keys):
            if index not in self.matches and numbers.get(key):
                self._add(index, numbers[key].pop())

    def _match_name_parts(self, kind: str, kinds: Sequence[str]) -> None:
        """Match a name that has a prefix, or the hash of a generator."""
        objects, documents = self._unmatched(kind, kinds)
        for index in objects:
            names = ((n, self._documents[n].text("metadata.name") or self._documents[n].name) for n in documents)
            number = next((n for n, name in names if name and name in self._headers[index].name), None)
            if number is not None:
                documents.remove(number)
                self._add(index, number)

    def _match_order(self, kind: str, kinds: Sequence[str]) -> None:
        """Match names that a replacement or a patch has changed: as many objects as documents of a kind, in the same order."""
        objects, documents = self._unmatched(kind, kinds)
        if len(objects) == len(documents):
            for index, number in zip(objects, documents, strict=True):
                self._add(index, number)


def _document_numbers(tree: Tree, file: str) -> dict[int, int]:
    return {id(r.body): i for i, r in enumerate(_documents(tree, file))}


def _origin(document: Resource, indexes: Mapping[str, Mapping[int, int]]) -> Origin:
    return Origin(document.file, indexes[document.file].get(id(document.body), -1))


def _documents(tree: Tree, file: str) -> list[Resource]:
    return [r for document in tree.parsed(file).documents for r in unlist(document)] if tree.is_file(file) else []


class LazyMarks(Mapping[_Path, tuple[int, int]]):
    """The positions of the fields of a document, read when a finding needs one."""

    def __init__(self, tree: Tree, origin: Origin) -> None:
        """``tree`` contains the file of ``origin``."""
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
