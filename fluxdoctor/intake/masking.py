"""Removes the values of Secrets from the files of a git tree, without changing line numbers."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import yaml

from fluxdoctor.intake import documents, secret_places
from fluxdoctor.intake.objects import SECRET_KIND, is_secret, manifest
from fluxdoctor.intake.places import FieldPath, decoded
from fluxdoctor.intake.redact import MASK, mask_lines, mask_spans
from fluxdoctor.model.manifests import FILE_NAMES
from fluxdoctor.model.resource import Fields
from fluxdoctor.model.tree import clean

#: A file that may have a secret generator: its name, or an escape or tag that may hide it.
_GENERATOR = re.compile(rb"(?i:secretgenerator)|\\[xuU\r\n]|!\s*binary|!<|%TAG|\0")
_COMMENT = re.compile(r"#(?P<words>[^\r\n]*)")
#: Also an action that is not closed: without it, the search would begin again at each brace.
_ACTION = re.compile(r"\{\{.*?(?:\}\}|$)")


_PLAIN = (".sourceignore", ".gitmodules", ".gitattributes")


def masker(files: Mapping[str, bytes]) -> Callable[[str], bytes]:
    """Return a function that returns a file of the tree without secret values. It looks for secret generators only once."""
    generators: list[frozenset[str]] = []
    cache: dict[str, bytes] = {}  # several rules, and every cluster of a repository, ask for the same file

    def mask(path: str) -> bytes:
        if not generators:
            generators.append(secret_sources(files))
        if path not in cache:
            cache[path] = _mask_file(files[path], path, generators[0])
        return cache[path]

    return mask


def _mask_file(content: bytes, path: str, sources: frozenset[str]) -> bytes:
    """Return a file of a tree in the form that can be saved: without the values of Secrets and secret generators.

    The document of a Secret becomes one line with the facts about it. No comment or repeated key can then preserve a
    value, and the documents after it keep their line numbers. A file that no rule reads (a script, a key, an .env)
    becomes empty.
    """
    if path in sources:
        return MASK.encode()
    name = posixpath.basename(path)
    if "templates/" in path and name.endswith((".tpl", ".txt")):
        return _template_actions(content.decode("utf-8", "replace")).encode()
    if not name.endswith((".yaml", ".yml", ".json")) and name not in (*FILE_NAMES, *_PLAIN):
        return b""
    if not secret_places.may_hold_values(content):
        return _without_tokens(content)
    return _without_tokens(_without_values(content, path))


def _without_tokens(content: bytes) -> bytes:
    """Return a file without what looks like a credential, wherever it stands."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return content
    masked = mask_lines(text)
    return content if masked == text else masked.encode()


def _without_values(content: bytes, path: str) -> bytes:
    text = decoded(content)
    parsed = documents.parse(text, path)
    if parsed.error and SECRET_KIND.search(text):
        return f"[ {MASK}: this file names a Secret and is not YAML\n{_template_actions(text)}".encode(
            "utf-8", "replace"
        )
    paths = [secret_places.value_paths(document.body) for document in parsed.documents]
    if not any(paths) and not any(is_secret(document.body) for document in parsed.documents):
        return content
    if parsed.repeated:
        # A key that is repeated hides the place of its first value: only the decoded documents are safe.
        return _rewritten(parsed.documents, path)
    spans = [span for document, found in zip(parsed.documents, paths, strict=True) for span in _spans(document, found)]
    lines = mask_spans(text, [*spans, *(_comments(text) if spans else ())]).split("\n")
    for document in parsed.documents:
        if is_secret(document.body):
            _replace_secret(lines, document, path)
    return "\n".join(lines).encode("utf-8", "replace")


def _rewritten(parsed: Sequence[documents.Document], path: str) -> bytes:
    return b"\n---\n".join(json.dumps(manifest(d.body, path, {}).body).encode() for d in parsed)


def _spans(document: documents.Document, paths: Sequence[FieldPath]) -> Iterator[tuple[int, int]]:
    """Yield the spans of all scalars at or below these paths."""
    if paths and not is_secret(document.body):
        tops = frozenset(paths)
        lengths = {len(path) for path in paths}
        for path, span in document.spans.items():
            if any(path[:length] in tops for length in lengths if length <= len(path)):
                yield span


def _comments(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the comments of a text that is YAML: a value may have been commented out."""
    end = 0
    tokens = iter(yaml.scan(text, Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader))
    for token in tokens:
        yield from _comment_lines(text, end, token.start_mark.index)
        end = max(end, token.end_mark.index)
    yield from _comment_lines(text, end, len(text))


def _comment_lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in _COMMENT.finditer(text, start, end):
        yield match.span("words")


def _replace_secret(lines: list[str], document: documents.Document, path: str) -> None:
    """Replace the lines of a Secret, from one document separator to the next, by one line of facts."""
    first = last = document.marks[()][0] - 1
    while first > 0 and not lines[first - 1].startswith(("---", "...")):
        first -= 1
    while last + 1 < len(lines) and not lines[last + 1].startswith(("---", "...")):
        last += 1
    if lines[first].startswith("---"):  # the document starts on the line of its separator
        lines[first], first = "---", min(first + 1, last)
    elif first and lines[first - 1].startswith("---"):  # the text after a separator is a comment
        lines[first - 1] = "---"
    facts = manifest(document.body, path, {}).body
    lines[first : last + 1] = [json.dumps(facts), *[""] * (last - first)]


def _template_actions(text: str) -> str:
    """Return only the actions of a Go template, each on its original line, without the text around them."""
    return "\n".join(" ".join(a for a in _ACTION.findall(line) if a.endswith("}}")) for line in text.split("\n"))


def _bodies(content: bytes, path: str) -> list[object]:
    return [document.body for document in documents.parse(content, path).documents]


def secret_sources(
    files: Mapping[str, bytes], read: Callable[[bytes, str], Iterable[object]] = _bodies
) -> frozenset[str]:
    """Return the files whose content becomes a part of a Secret: through a generator, or through a patch of a Secret.

    ``read`` returns the documents of a file, which a caller may have parsed already.
    A plug-in reads files from the folder of the kustomization file that lists it, which may be in another folder.
    """
    plugin_folders: set[str] = set()
    candidates: list[tuple[str, str]] = []
    for path, content in files.items():
        is_kustomization = posixpath.basename(path) in FILE_NAMES
        if not is_kustomization and not (path.endswith((".yaml", ".yml", ".json")) and _may_generate(content)):
            continue
        folder = posixpath.dirname(path)
        if is_kustomization and re.search(rb"(?i)generators|transformers|\\[xu]", content):
            plugin_folders.add(folder)
        if _may_generate(content) or (is_kustomization and secret_places.may_hold_values(content)):
            candidates += [(folder, name) for name in _named_files(read(content, path), path)]
    folders_of = {folder: {folder, *plugin_folders, *_ancestors(folder)} for folder, _ in candidates}
    paths = {clean(posixpath.join(base, name)) for folder, name in candidates for base in folders_of[folder]}
    return frozenset(path for path in paths if path in files)


def _may_generate(content: bytes) -> bool:
    return bool(_GENERATOR.search(content))


def _ancestors(folder: str) -> Iterator[str]:
    while folder:
        folder = posixpath.dirname(folder)
        yield folder


def _named_files(bodies: Iterable[object], path: str) -> Iterator[str]:
    for body in bodies:
        for row in secret_places.generator_rows(body):
            fields = Fields(row)
            names = (*fields.strings("files"), *fields.strings("envs"), fields.text("env"))
            yield from (file for name in names if name and (file := name.rpartition("=")[2]))
        if posixpath.basename(path) in FILE_NAMES:
            yield from secret_places.patch_files(body)


def secret_texts(files: Mapping[str, bytes]) -> frozenset[str]:
    """Return the values of the Secrets in the files of a tree, and the lines of files that become a part of one.

    They are for redaction: kustomize quotes a value that it cannot use.
    """
    texts: set[str] = set()
    for path in secret_sources(files):
        texts.update(files[path].decode("utf-8", "replace").splitlines())
    for path, content in files.items():
        if path.endswith((".yaml", ".yml", ".json")) or posixpath.basename(path) in FILE_NAMES:
            bodies = _bodies(content, path) if secret_places.may_hold_values(content) else []
            texts.update(text for body in bodies for text in secret_places.value_texts(body))
    parts = {part.strip() for text in texts for part in (text, text.partition("=")[2], text.partition(":")[2])}
    return frozenset(part for part in parts if part)
