"""Creates the Tree of a revision from its files. YAML is parsed only when a rule needs it."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fluxdoctor.intake import documents, ignore, masking, objects, secret_places
from fluxdoctor.intake.documents import AliasBombError, YamlError
from fluxdoctor.model.resource import Location, Marks
from fluxdoctor.model.tree import ParsedFile, SyntaxFlaw, Tree

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class YamlFile:
    """The documents of a file, each with the marks of its fields, and the error that stopped the parser (None: no error)."""

    documents: tuple[tuple[object, Marks], ...]
    error: YamlError | None = None
    repeated: tuple[int, int] | None = None
    """The (line, column) of the first repeated key of a mapping, if any."""


def yaml_file(parsed: documents.ParsedDocuments) -> YamlFile:
    """Return the documents and the error of a parsed file."""
    return YamlFile(tuple((d.body, d.marks) for d in parsed.documents), parsed.error, parsed.repeated)


def _parse(content: bytes, path: str) -> YamlFile:
    return yaml_file(documents.parse(content, path))


def tree_of(files: Files, spec_ignore: str | None, read: Callable[[bytes, str], YamlFile] = _parse) -> Tree:
    """Return the Tree of the files of a revision. ``read`` parses a YAML file when a rule needs it."""
    ignores = {
        posixpath.dirname(path): content.decode("utf-8", "replace")
        for path, content in files.items()
        if posixpath.basename(path) == ".sourceignore"
    }
    masked_content = masking.masker(files)

    def has_word(path: str, word: bytes) -> bool:
        # Masking is slow: do it only if the raw file contains the word.
        return word in files[path] and word in masked_content(path)

    return Tree(
        files, _file_parser(files, read), ignore.excluded(files, ignores, spec_ignore), masked_content, has_word
    )


def _file_parser(files: Files, read: Callable[[bytes, str], YamlFile]) -> Callable[[str], ParsedFile]:
    def parse_file(path: str) -> ParsedFile:
        content = files.get(path, b"")
        parsed = read(content, path)
        may_hold_values = secret_places.may_hold_values(content)
        resources = tuple(
            objects.manifest(body, path, marks, may_hold_values=may_hold_values) for body, marks in parsed.documents
        )
        error = parsed.error
        return ParsedFile(
            resources,
            _flaw(error, path) if error else None,
            Location(path, *parsed.repeated) if parsed.repeated else None,
        )

    return parse_file


def _flaw(error: YamlError, path: str) -> SyntaxFlaw:
    is_alias_bomb = isinstance(error, AliasBombError)
    return SyntaxFlaw(Location(path, error.line, error.column), error.problem, is_alias_bomb)
