"""Analyses the patches of a kustomization file: what they change, and which have no target in the build."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import orjson

from fluxdoctor.intake import documents
from fluxdoctor.model.manifests import FILE_NAMES
from fluxdoctor.model.resource import Fields
from fluxdoctor.model.tree import Tree, clean

#: With these words a patch may change the kind of an object.
_KIND_CHANGES = (b"/kind", b"allowKindChange")
#: The word "kind", an escape that may encode it, or another encoding.
_MAY_CONTAIN_KIND = re.compile(rb"[kK]ind|\\[xuU]|\0")
#: Values of a target that are certainly well-formed. A malformed pattern or selector fails the build.
_WORD = r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*"
_SELECTOR = rf"(?:{_WORD}/)?{_WORD} *(?:!=|==?) *{_WORD}"
_WELL_FORMED = {
    "kind": re.compile(r"[A-Za-z]+"),
    **dict.fromkeys(("group", "version", "name", "namespace"), re.compile(r"[\w./-]*|\.\*")),
    **dict.fromkeys(("labelSelector", "annotationSelector"), re.compile(_SELECTOR)),
}

#: Fields that change at most the labels, annotations, namespace, images and replicas of an object.
_HARMLESS_FIELDS = {
    "apiVersion", "kind", "metadata", "resources", "bases", "components", "namespace", "labels", "commonLabels",
    "commonAnnotations", "buildMetadata", "sortOptions", "configurations", "generatorOptions", "configMapGenerator",
    "secretGenerator", "images", "replicas", "openapi",
}  # fmt: skip
#: In the order in which kustomize (5.8) applies them.
_MERGES = ("patchesStrategicMerge", "patches")
_PATCHES = (*_MERGES, "patchesJson6902")
_RENAMES = (*_KIND_CHANGES, b"/metadata/name", b"allowNameChange")


def changed_names(
    tree: Tree, folder: str, body: Mapping[str, Any], files: Iterable[str]
) -> frozenset[tuple[str, str]] | None:
    """Return the kinds and names of the objects that a build changes, "" for any name; None if it may change any object.

    ``files``: those that the build reads.
    """
    names: set[tuple[str, str]] = set()
    for directory, kustomization in ((folder, body), *_kustomizations(tree, files)):
        has_other_fields = kustomization.keys() - _HARMLESS_FIELDS - {*_PATCHES}
        if has_other_fields or any(word in orjson.dumps(kustomization) for word in _RENAMES):
            return None
        for row in _rows(kustomization):
            targets = _target_names(tree, directory, row)
            if not targets or not all(_WELL_FORMED["kind"].fullmatch(kind) for kind, _ in targets):
                return None
            names |= targets
    return frozenset(names)


def _kustomizations(tree: Tree, files: Iterable[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for file in files:
        documents_of = tree.parsed(file).documents if posixpath.basename(file) in FILE_NAMES else ()
        yield from ((posixpath.dirname(file), d.body) for d in documents_of[:1] if isinstance(d.body, dict))


def _rows(body: Mapping[str, Any], keys: Iterable[str] = _PATCHES) -> list[Any]:
    """Return the patches of a kustomization file, each in the form that it has under ``patches``."""
    return [_as_patch(row) if key == "patchesStrategicMerge" else row for key in keys for row in body.get(key) or ()]


def _as_patch(entry: Any) -> dict[str, Any]:
    return {"patch" if isinstance(entry, str) and "\n" in entry else "path": entry}


def _target_names(tree: Tree, folder: str, row: Any) -> set[tuple[str, str]]:
    """Return the kinds and names that a patch targets, "" if it sets none; nothing if the patch cannot be read."""
    target = row.get("target") if isinstance(row, dict) else None
    if not target:
        if not isinstance(row, dict):
            return set()
        return {_kind_and_name(body, "metadata.name") for body in _read(tree, folder, row)}
    kind, name = _kind_and_name(target, "name")
    return {(kind, name if re.fullmatch(r"[\w-]*", name) else "")}


def _kind_and_name(body: Any, name_path: str) -> tuple[str, str]:
    view = Fields(body)
    return view.text("kind"), view.text(name_path)


def without_idle(
    tree: Tree, folder: str, body: dict[str, Any], files: Iterable[str], contents: Mapping[str, bytes]
) -> dict[str, Any]:
    """Return a kustomization file without the patches whose target is of a kind that the build does not contain.

    A target that matches nothing is no error, so both files build to the same. The Kustomizations of many clusters often differ
    only in the patches for releases, also in folders without a release. Such folders are then built once.
    """
    rows = body.get("patches")
    if not isinstance(rows, list) or not any(isinstance(row, dict) and row.get("target") for row in rows):
        return body
    kinds = _kinds(tree, files, contents)
    needed = rows if kinds is None else [row for row in rows if _kind(tree, folder, row) in kinds | {""}]
    others = {key: value for key, value in body.items() if key != "patches"}
    return body if needed == rows else others | ({"patches": needed} if needed else {})


def _kinds(tree: Tree, files: Iterable[str], contents: Mapping[str, bytes]) -> frozenset[str] | None:
    """Return the kinds in files and those that kustomize generates; None if they are unknown."""
    result = {"ConfigMap", "Secret"}
    for path in filter(contents.__contains__, files):  # an ignored file is not built
        kinds = tree.memo(_kinds_in, path, contents[path])
        if kinds is None:
            return None
        result |= kinds
    return frozenset(result)


def _kinds_in(tree: Tree, path: str, content: bytes) -> frozenset[str] | None:
    if not path.endswith((".yaml", ".yml")) and not _MAY_CONTAIN_KIND.search(content):
        return frozenset()  # a dashboard or a script: parsing it as YAML would be for nothing
    file = tree.parsed(path)
    kinds = frozenset(document.text("kind") for document in file.documents)
    is_sure = not file.flaw and not any(word in content for word in _KIND_CHANGES)
    return kinds if is_sure and not any(kind.endswith("List") for kind in kinds) else None


def _kind(tree: Tree, folder: str, row: Any) -> str:
    """Return the one kind that a patch targets; "" if it may target any kind, or may fail the build by itself."""
    target = row.get("target") if isinstance(row, dict) else None
    if not isinstance(target, dict) or not all(_is_well_formed(key, value) for key, value in target.items()):
        return ""
    bodies = _read(tree, folder, row)
    text = orjson.dumps(bodies)
    if len(bodies) != 1 or any(word in text for word in _KIND_CHANGES) or row.get("options"):
        return ""
    # kustomize parses a text that begins with a bracket as JSON, and fails if it is YAML (5.8, PatchTransformer.go).
    is_list = isinstance(bodies[0], list) and not str(row.get("patch") or "[").lstrip().startswith("[")
    is_patch = is_list or (_target(bodies[0]) and bodies[0].get("apiVersion"))
    return Fields(target).text("kind") if is_patch else ""


def _is_well_formed(key: str, value: object) -> bool:
    return key in _WELL_FORMED and isinstance(value, str) and _WELL_FORMED[key].fullmatch(value) is not None


def lenient(tree: Tree, folder: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a kustomization file whose patches may match nothing: each names its object in a target.

    A strategic merge patch without a target fails the build if it matches nothing; with a target it does not
    (kustomize 5.8, PatchTransformer.go).
    """
    rows = _rows(body, _MERGES)
    others = {key: value for key, value in body.items() if key not in _MERGES}
    return others | ({"patches": [patch for row in rows for patch in _with_targets(tree, folder, row)]} if rows else {})


def _with_targets(tree: Tree, folder: str, row: Any) -> Iterator[Any]:
    """Yield a patch once for each object that it names: with a target, kustomize accepts one object per patch."""
    bodies = [] if not isinstance(row, dict) or row.get("target") else _read(tree, folder, row)
    targets = [_target(body) for body in bodies]
    if not targets or not all(targets):
        yield row
        return
    options = {key: value for key, value in row.items() if key not in ("path", "patch")}
    for body, target in zip(bodies, targets, strict=True):
        yield {**options, "patch": orjson.dumps(body).decode(), "target": target}


def _read(tree: Tree, folder: str, row: Mapping[str, Any]) -> list[Any]:
    """Return the documents of a patch; [] if they cannot be read."""
    path, text = row.get("path"), row.get("patch")
    if isinstance(path, str) and path:
        file = tree.parsed(clean(posixpath.join(folder, path)))
        return [] if file.flaw else [d.body for d in file.documents]
    return list(bodies_of(text)) if isinstance(text, str) else []


@lru_cache(1024)
def bodies_of(text: str) -> tuple[Any, ...]:
    """Parse a patch once for all Kustomizations that have it. The result is shared: do not change it."""
    parsed = documents.parse(text)
    return () if parsed.error else tuple(d.body for d in parsed.documents)


def _target(body: Any) -> dict[str, str]:
    """Return the target for the object that a strategic merge patch names; {} if it names none."""
    patch = Fields(body) if isinstance(body, dict) else Fields({})
    group, _, version = patch.text("apiVersion").rpartition("/")
    target = {"group": group, "version": version, "kind": patch.text("kind"), "name": patch.text("metadata.name")}
    if not target["kind"] or not target["name"]:
        return {}
    target["namespace"] = patch.text("metadata.namespace")
    return {key: re.escape(value) for key, value in target.items() if value}
