"""Finds where a document of a repository or cluster holds the values of Secrets, however they are written.

A value ends in a Secret through a Secret, also inside a List, the values of a HelmRelease or the text of a field; through a
generator of kustomize, as a field, as a plug-in in a document of its own or in the text of a field; and through a patch or
replacement whose target may be a Secret. YAML is decoded first, so an escape, a tag or the style of a text hides nothing.
Names of fields count without regard to letter case, as for kustomize 5.8 (encoding/json of Go).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fluxdoctor.intake import documents
from fluxdoctor.intake.places import FieldPath
from fluxdoctor.intake.redact import MASK
from fluxdoctor.intake.secret_entries import decoded, is_encrypted, leaves, readable_text

#: What a generator says besides values: anything else in it is a value.
_GENERATOR_FIELDS: Final = frozenset((
    "apiversion", "kind", "metadata", "name", "namespace", "behavior", "type", "files", "envs", "env", "options",
    "disablenamesuffixhash", "immutable", "labels", "annotations",
))  # fmt: skip
_DATA: Final = ("data", "stringdata")
_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_MASKED_DATA: Final = base64.b64encode(MASK.encode()).decode()
_VARIABLE: Final = re.compile(r"\$\{\w+\}")
_KIND_NAME: Final = re.compile(r"[A-Za-z]*")
#: A text that may be YAML with one of these in it. "\\x" and a tag may hide the word.
_MAY_NAME: Final = re.compile(r"(?i:secret)|stringData|/data\b|\\[xuU\r\n]|!")
#: What a file has that names a Secret, or that may hide it: an escape of YAML, also in a text that JSON quotes, or a tag.
_MARKS: Final = (
    b"secret", b"stringdata", b"/data", b"\\x", b"\\u", b"\\\r", b"\\\n", b"\\\\\\n", b"\\\\\\r", b"binary", b"!<", b"%tag",
    b"\0",
)  # fmt: skip
_TARGET: Final = re.compile(rb"target(?![a-z])")
_DEEPEST_TEXT: Final = 4
#: Levels that are read, of a document and of a text in it: each takes two frames of Python, which allows a thousand.
_DEEPEST_NODE: Final = (150, 60)


def may_hold_values(content: bytes) -> bool:
    """Tell whether a file may hold values of Secrets: quick, and true of every file that does."""
    lower = content.lower()
    for mark in _MARKS:
        if mark in lower:
            return True
    # A patch may select a Secret without its name, by an expression or by nothing at all.
    return b"target" in lower and b"data" in lower and bool(_TARGET.search(lower))


def may_hold_values_inside(body: object) -> bool:
    """Tell whether an object may hold values of Secrets: quicker than to look for them."""
    import orjson

    try:
        return may_hold_values(orjson.dumps(body))
    except TypeError:  # a text that is not valid Unicode, or a number that is too large
        return True


def value_paths(body: object) -> list[FieldPath]:
    """Return the paths of the subtrees of a document that hold values of Secrets, and of texts that do."""
    walk = _Walk()
    walk.node(body, (), _Place(is_root_encrypted=_is_sops_document(body)))
    return walk.paths


def value_texts(body: object) -> list[str]:
    """Return the texts and numbers that are values of Secrets in a document, decoded where they are base64."""
    found: list[str] = []
    for path in value_paths(body):
        node: Any = body
        for part in path:
            node = node[part]
        texts = [text for _, text in leaves(node)]
        found += texts
        found += [text for raw in texts if (text := readable_text(decoded(raw, base64=True)))]
    return found


def without_values(body: Any) -> Any:
    """Return a document with a mask in the place of each value of a Secret; the same object if it has none."""
    return _Walk().node(body, (), _Place(is_root_encrypted=_is_sops_document(body)))


def has_values(body: object) -> bool:
    """Tell whether a document holds a value of a Secret in the clear."""
    return bool(value_paths(body))


def generator_rows(body: object) -> list[Mapping[str, Any]]:
    """Return the secret generators of a document, with their field names in lower case: fields, plug-ins and texts."""
    walk = _Walk()
    walk.node(body, (), _Place())
    return walk.generators


def patch_files(body: object) -> list[str]:
    """Return the paths of the files with patches whose target may be a Secret."""
    walk = _Walk()
    walk.node(body, (), _Place())
    return walk.patch_files


def is_secret_kind(kind: object) -> bool:
    """Tell whether a kind is Secret, a list of Secrets, or one of another group that holds values alike."""
    return isinstance(kind, str) and kind.endswith(("Secret", "SecretList"))


@dataclass(frozen=True, slots=True)
class _Place:
    """What is known of a node from what is around it."""

    is_root_encrypted: bool = False
    """The document has the metadata of SOPS, so a value of the right shape is no clear text."""
    is_patch: bool = False
    """The node is a patch whose target may be a Secret."""
    depth: int = 0
    """How many texts the node is in."""


@dataclass
class _Walk:
    paths: list[FieldPath] = field(default_factory=list)
    generators: list[Mapping[str, Any]] = field(default_factory=list)
    patch_files: list[str] = field(default_factory=list)

    def node(self, node: Any, path: FieldPath, place: _Place) -> Any:
        """Return the node without values, the same object if it has none. What is nested too deep is masked as a whole."""
        if len(path) > _DEEPEST_NODE[min(place.depth, 1)]:
            return self._mask(node, path) if isinstance(node, dict | list) else node
        if isinstance(node, dict):
            return self._mapping(node, path, place)
        if isinstance(node, list):
            items = [self.node(item, (*path, i), place) for i, item in enumerate(node)]
            return items if any(new is not old for new, old in zip(items, node, strict=True)) else node
        return self._text(node, path, place) if isinstance(node, str) else node

    def _mapping(self, node: dict[str, Any], path: FieldPath, place: _Place) -> dict[str, Any]:
        names = {key.lower(): key for key in node}
        kind = node.get(names.get("kind", ""))
        if isinstance(kind, str) and kind.lower() == "secretgenerator":
            return self._generator(node, path)
        masks = self._masks(node, names, kind, place)
        changed: dict[str, Any] = {}
        for key, value in node.items():
            mask = masks.get(key)
            new = mask(value, (*path, key)) if mask else self.node(value, (*path, key), place)
            if new is not value:
                changed[key] = new
        return {**node, **changed} if changed else node

    def _masks(
        self, node: Mapping[str, Any], names: Mapping[str, str], kind: object, place: _Place
    ) -> dict[str, Callable[[Any, FieldPath], Any]]:
        """Return how to mask the fields of a mapping that hold values."""
        masks: dict[str, Callable[[Any, FieldPath], Any]] = {}
        if is_secret_kind(kind) or place.is_patch or "stringdata" in names:
            for name in _DATA:
                if name in names:
                    masks[names[name]] = self._data(place, is_base64=name == "data")
        if kind == "SecretList" and "items" in names:
            masks[names["items"]] = lambda value, path: self.node(
                value, path, _Place(place.is_root_encrypted, is_patch=True, depth=place.depth)
            )
        if _APPLIED in node and place.is_patch:
            masks[_APPLIED] = self._mask
        if "secretgenerator" in names:
            masks[names["secretgenerator"]] = self._generator_list
        if {"op", "path"} <= names.keys() and "value" in names and self._changes_data(node, names, place):
            masks[names["value"]] = self._mask
        if "patch" in names or "path" in names:
            self._patch(node, names, place, masks)
        if "sourcevalue" in names and _may_be_secret(_kinds(node.get(names.get("targets", "")))):
            masks[names["sourcevalue"]] = self._mask
        return masks

    def _patch(self, node: Mapping[str, Any], names: Mapping[str, str], place: _Place, masks: dict[str, Any]) -> None:
        target = node.get(names.get("target", ""))
        target_kind = _kind(target)
        may_be_secret = _may_be_secret([target_kind]) if isinstance(target, dict) else False
        if may_be_secret and isinstance(node.get(names.get("path", "")), str):
            self.patch_files.append(node[names["path"]])
        if may_be_secret and "patch" in names:
            inner = _Place(place.is_root_encrypted, is_patch=True, depth=place.depth)
            masks[names["patch"]] = lambda value, path: self._patch_text(
                value, path, inner, is_certain=target_kind == "Secret"
            )

    def _patch_text(self, value: Any, path: FieldPath, place: _Place, *, is_certain: bool) -> Any:
        if isinstance(value, str):
            new = self._yaml(value, path, place)
            return self._mask(value, path) if new is value and is_certain and not _is_public_patch(value) else new
        return self.node(value, path, place)

    @staticmethod
    def _changes_data(node: Mapping[str, Any], names: Mapping[str, str], place: _Place) -> bool:
        pointer = node.get(names["path"])
        root = pointer.strip("/").partition("/")[0].lower() if isinstance(pointer, str) else ""
        return root == "stringdata" or (root == "data" and (place.is_patch or place.depth == 0))

    def _data(self, place: _Place, *, is_base64: bool) -> Callable[[Any, FieldPath], Any]:
        def mask(value: Any, path: FieldPath) -> Any:
            if isinstance(value, dict):
                new = {k: v if _is_public(v, place) else _MASKED_DATA if is_base64 else MASK for k, v in value.items()}
                changed = [k for k, v in value.items() if new[k] is not v]
                self.paths.extend((*path, key) for key in changed)
                return new if changed else value
            return value if _is_public(value, place) else self._mask(value, path)

        return mask

    def _generator_list(self, value: Any, path: FieldPath) -> Any:
        if not isinstance(value, list):
            return self._generator_row(value, path)
        rows = [self._generator_row(row, (*path, i)) for i, row in enumerate(value)]
        return rows if any(new is not old for new, old in zip(rows, value, strict=True)) else value

    def _generator_row(self, row: Any, path: FieldPath) -> Any:
        if row is None:
            return row
        return self._generator(row, path) if isinstance(row, dict) else self._mask(row, path)

    def _generator(self, row: dict[str, Any], path: FieldPath) -> dict[str, Any]:
        self.generators.append({k.lower(): v for k, v in row.items()})
        changed = {k: self._literals(v, (*path, k)) for k, v in row.items() if k.lower() not in _GENERATOR_FIELDS}
        return {**row, **changed} if any(new is not row[key] for key, new in changed.items()) else row

    def _literals(self, value: Any, path: FieldPath) -> Any:
        """Return the literals of a generator with their keys alone: kustomize still builds a Secret from them."""
        if not isinstance(value, list):
            return value if value is None or isinstance(value, bool) else self._mask(value, path)
        self.paths.extend((*path, i) for i in range(len(value)))
        return [f"{text.partition('=')[0]}={MASK}" if isinstance(text, str) and "=" in text else MASK for text in value]

    def _text(self, text: str, path: FieldPath, place: _Place) -> str:
        if len(text) < 12 or place.depth >= _DEEPEST_TEXT or not (":" in text and _MAY_NAME.search(text)):  # noqa: PLR2004
            return text
        return self._yaml(text, path, place)

    def _yaml(self, text: str, path: FieldPath, place: _Place) -> str:
        """Return a text that is YAML without the values in it; the whole text is masked if nobody can tell what is in it."""
        parsed = documents.parse(text)
        bodies = [d.body for d in parsed.documents]
        inner = _Walk()
        new = [
            inner.node(body, (), _Place(_is_sops_document(body), place.is_patch, place.depth + 1)) for body in bodies
        ]
        self.generators += inner.generators
        if parsed.error or parsed.repeated:
            return self._mask(text, path) if inner.paths or _is_broken_secret(text) else text
        if not inner.paths:
            return text
        self.paths.append(path)
        return "\n---\n".join(json.dumps(body) for body in new)

    def _mask(self, _: Any, path: FieldPath) -> str:
        self.paths.append(path)
        return MASK


def _is_public(value: Any, place: _Place) -> bool:
    if isinstance(value, str) and place.is_root_encrypted and is_encrypted(value):
        return True
    return (
        value is None
        or value in ("", MASK, _MASKED_DATA)
        or (isinstance(value, str) and bool(_VARIABLE.fullmatch(value)))
    )


def _is_sops_document(body: object) -> bool:
    sops = body.get("sops") if isinstance(body, dict) else None
    return isinstance(sops, dict) and is_encrypted(sops.get("mac"))


def _is_broken_secret(text: str) -> bool:
    return bool(re.search(r"kind[\"']?\s{0,8}:\s{0,8}[\"']?Secret|stringData|(?i:secretgenerator)", text))


def _is_public_patch(text: str) -> bool:
    """Tell whether the text of a patch is YAML of nothing but the identity and metadata of an object, or deletes it."""
    parsed = documents.parse(text)
    public = {"apiVersion", "kind", "metadata", "$patch", "type", "immutable"}
    bodies = [d.body for d in parsed.documents]
    if parsed.error or parsed.repeated or not bodies:
        return False
    return all(isinstance(b, list) or (isinstance(b, dict) and b.keys() <= public) for b in bodies)


def _kind(target: object) -> object:
    return next((v for k, v in target.items() if k.lower() == "kind"), None) if isinstance(target, dict) else None


def _kinds(targets: object) -> list[object]:
    rows = targets if isinstance(targets, list) else []
    return [
        _kind(next((v for k, v in row.items() if k.lower() == "select"), None)) for row in rows if isinstance(row, dict)
    ]


def _may_be_secret(kinds: list[object]) -> bool:
    """Tell whether an object of one of these kinds may be a Secret. A selector is an expression; none selects any kind."""
    return any(not isinstance(kind, str) or not _KIND_NAME.fullmatch(kind) or kind in ("", "Secret") for kind in kinds)
