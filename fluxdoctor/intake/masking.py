"""Removes the values of Secrets from the files of a git tree, without changing line numbers."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fluxdoctor.intake import documents
from fluxdoctor.intake.objects import SECRET_KIND, is_like_secret, is_secret, manifest
from fluxdoctor.intake.places import FieldPath
from fluxdoctor.intake.redact import MASK, mask_spans
from fluxdoctor.model.manifests import FILE_NAMES
from fluxdoctor.model.resource import Fields
from fluxdoctor.model.tree import clean

#: Also an action that is not closed: without it, the search would begin again at each brace.
_ACTION = re.compile(r"\{\{.*?(?:\}\}|$)")


_PLAIN = (".sourceignore", ".gitmodules", ".gitattributes")


def masker(files: Mapping[str, bytes]) -> Callable[[str], bytes]:
    """Return a function that returns a file of the tree without secret values. It looks for secret generators only once."""
    generators: list[frozenset[str]] = []
    cache: dict[str, bytes] = {}  # several rules, and every cluster of a repository, ask for the same file

    def mask(path: str) -> bytes:
        if not generators:
            generators.append(generator_files(files))
        if path not in cache:
            cache[path] = _mask_file(files[path], path, generators[0])
        return cache[path]

    return mask


def _mask_file(content: bytes, path: str, generated: frozenset[str]) -> bytes:
    """Return a file of a tree in the form that can be saved: without the values of Secrets and secret generators.

    The document of a Secret becomes one line with the facts about it. No comment or repeated key can then preserve a
    value, and the documents after it keep their line numbers. A file that no rule reads (a script, a key, an .env)
    becomes empty.
    """
    if path in generated:
        return MASK.encode()
    name = posixpath.basename(path)
    if "templates/" in path and name.endswith((".tpl", ".txt")):
        return _template_actions(content.decode("utf-8", "replace")).encode()
    if not name.endswith((".yaml", ".yml", ".json")) and name not in (*FILE_NAMES, *_PLAIN):
        return b""
    if b"ecret" not in content:
        return content
    text = content.decode("utf-8", "replace")
    parsed = documents.parse(text, path)
    if parsed.error and SECRET_KIND.search(text):
        return f"[ {MASK}: this file names a Secret and is not YAML\n{_template_actions(text)}".encode()
    spans = [span for document in parsed.documents for span in _secret_spans(document)]
    if spans:
        text = mask_spans(text, spans)
    lines = text.split("\n")
    for document in parsed.documents:
        if is_secret(document.body):
            _replace_secret(lines, document, path)
    return "\n".join(lines).encode()


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


def _secret_spans(document: documents.Document) -> Iterator[tuple[int, int]]:
    """Yield the spans of secret values: literals of a generator, data of a Secret in a List, patches of a Secret."""
    inner = tuple(_inner_secrets(document.body))
    body = Fields(document.body)
    for path, span in document.spans.items():
        is_secret_data = any(
            path[: len(top)] == top and path[len(top) : len(top) + 1] in (("data",), ("stringData",)) for top in inner
        )
        is_generated = path[:1] == ("secretGenerator",) and "literals" in path
        if is_secret_data or is_generated or _patches_secret(body, path):
            yield span


def _inner_secrets(body: Any) -> Iterator[FieldPath]:
    """Yield the paths of the Secrets below the root of a document, and of all objects that are like a Secret."""
    pending: list[tuple[FieldPath, Any]] = [((), body)]
    while pending:
        path, node = pending.pop()
        if isinstance(node, dict):
            if (path and is_secret(node)) or (not is_secret(node) and is_like_secret(node)):
                yield path
            pending += [((*path, key), value) for key, value in node.items()]
        elif isinstance(node, list):
            pending += [((*path, i), value) for i, value in enumerate(node)]


def _patches_secret(body: Fields, path: FieldPath) -> bool:
    """Tell whether a text in a document is a Secret or patches one (patches of kustomize and of Flux)."""
    text = body.get(path)
    if not isinstance(text, str) or "\n" not in text:
        return isinstance(text, str) and _is_secret_target(body, path)
    return bool(SECRET_KIND.search(text)) or _is_secret_target(body, path)


def _is_secret_target(body: Fields, path: FieldPath) -> bool:
    return bool(path) and path[-1] == "patch" and body.text((*path[:-1], "target", "kind")) == "Secret"


def generator_files(files: Mapping[str, bytes]) -> frozenset[str]:
    """Return the files whose content becomes a Secret through a secretGenerator of a kustomization file."""
    paths = set()
    for path, content in files.items():
        if posixpath.basename(path) in FILE_NAMES and b"secretGenerator" in content:
            for document in documents.parse(content, path).documents:
                for row in Fields(document.body).rows("secretGenerator"):
                    names = (*row.strings("files"), *row.strings("envs"), row.text("env"))
                    paths |= {
                        clean(posixpath.join(posixpath.dirname(path), name.rpartition("=")[2]))
                        for name in names
                        if name
                    }
    return frozenset(paths)
