"""The patches of a kustomization file: those for what may be elsewhere, and those that find nothing in what is built."""

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

#: With these a patch, or what it is for, may become another kind.
_CHANGES_KIND = (b"/kind", b"allowKindChange")
#: The word, an escape that may stand for it, or another encoding.
_MAY_SAY_KIND = re.compile(rb"[kK]ind|\\[xuU]|\0")
#: What is certainly well-formed in a target: a pattern or a selector that is not fails the build.
_WORD = r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*"
_SELECTOR = re.compile(rf"(?:{_WORD}/)?{_WORD} *(?:!=|==?) *{_WORD}")
_SOUND = {
    "kind": re.compile(r"[A-Za-z]+"),
    **dict.fromkeys(("group", "version", "name", "namespace"), re.compile(r"[\w./-]*|\.\*")),
    **dict.fromkeys(("labelSelector", "annotationSelector"), _SELECTOR),
}

#: What changes no object in more than its labels, annotations, namespace, images and number of Pods.
_CHANGES_LITTLE = {
    "apiVersion", "kind", "metadata", "resources", "bases", "components", "namespace", "labels", "commonLabels",
    "commonAnnotations", "buildMetadata", "sortOptions", "configurations", "generatorOptions", "configMapGenerator",
    "secretGenerator", "images", "replicas", "openapi",
}  # fmt: skip
#: In the order in which kustomize (5.8) takes them.
_MERGES = ("patchesStrategicMerge", "patches")
_PATCHES = (*_MERGES, "patchesJson6902")
_RENAMES = (*_CHANGES_KIND, b"/metadata/name", b"allowNameChange")


def changed(tree: Tree, at: str, body: Mapping[str, Any], files: Iterable[str]) -> frozenset[tuple[str, str]] | None:
    """Return the kinds and names, "" for any, that a build makes other than they are written; None where it may be all.

    ``files``: those that the build reads.
    """
    found: set[tuple[str, str]] = set()
    for where, held in ((at, body), *_kustomizations(tree, files)):
        if held.keys() - _CHANGES_LITTLE - {*_PATCHES} or any(word in orjson.dumps(held) for word in _RENAMES):
            return None
        for row in _rows(held):
            patched = _patched(tree, where, row)
            if not patched or not all(_SOUND["kind"].fullmatch(kind) for kind, _ in patched):
                return None
            found |= patched
    return frozenset(found)


def _kustomizations(tree: Tree, files: Iterable[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for file in files:
        documents_of = tree.parsed(file).documents if posixpath.basename(file) in FILE_NAMES else ()
        yield from ((posixpath.dirname(file), d.body) for d in documents_of[:1] if isinstance(d.body, dict))


def _rows(body: Mapping[str, Any], keys: Iterable[str] = _PATCHES) -> list[Any]:
    """Return the patches of a kustomization file, each in the form that it has under ``patches``."""
    return [_merge(row) if key == "patchesStrategicMerge" else row for key in keys for row in body.get(key) or ()]


def _merge(entry: Any) -> dict[str, Any]:
    return {"patch" if isinstance(entry, str) and "\n" in entry else "path": entry}


def _patched(tree: Tree, at: str, row: Any) -> set[tuple[str, str]]:
    """Return the kinds and names that a patch is for, "" where it does not say; nothing where it cannot be read."""
    target = row.get("target") if isinstance(row, dict) else None
    if not target:
        return {_named(body, "metadata.name") for body in _read(tree, at, row)} if isinstance(row, dict) else set()
    kind, name = _named(target, "name")
    return {(kind, name if re.fullmatch(r"[\w-]*", name) else "")}


def _named(body: Any, name: str) -> tuple[str, str]:
    view = Fields(body)
    return view.text("kind"), view.text(name)


def without_idle(
    tree: Tree, at: str, body: dict[str, Any], files: Iterable[str], contents: Mapping[str, bytes]
) -> dict[str, Any]:
    """Return a kustomization file without the patches whose target is a kind that nothing it builds is of.

    A target that finds nothing is no error, so both build to the same; and what the Kustomizations of many clusters
    differ in is often only what they patch into releases, where there are none.
    """
    rows = body.get("patches")
    if not isinstance(rows, list) or not any(isinstance(row, dict) and row.get("target") for row in rows):
        return body
    there = _kinds(tree, files, contents)
    kept = rows if there is None else [row for row in rows if _kind(tree, at, row) in there | {""}]
    made = {key: value for key, value in body.items() if key != "patches"}
    return body if kept == rows else made | ({"patches": kept} if kept else {})


def _kinds(tree: Tree, files: Iterable[str], contents: Mapping[str, bytes]) -> frozenset[str] | None:
    """Return the kinds in files, and what kustomize makes itself; None where that cannot be said."""
    found = {"ConfigMap", "Secret"}
    for path in filter(contents.__contains__, files):  # what is ignored is not built
        kinds = tree.memo(_kinds_in, path, contents[path])
        if kinds is None:
            return None
        found |= kinds
    return frozenset(found)


def _kinds_in(tree: Tree, path: str, content: bytes) -> frozenset[str] | None:
    if not path.endswith((".yaml", ".yml")) and not _MAY_SAY_KIND.search(content):
        return frozenset()  # a dashboard, a script: to read it as YAML would be for nothing
    held = tree.parsed(path)
    kinds = frozenset(document.text("kind") for document in held.documents)
    is_sure = not held.flaw and not any(word in content for word in _CHANGES_KIND)
    return kinds if is_sure and not any(kind.endswith("List") for kind in kinds) else None


def _kind(tree: Tree, at: str, row: Any) -> str:
    """Return the one kind that a patch is for; "" where it may be for any, or may fail the build by itself."""
    target = row.get("target") if isinstance(row, dict) else None
    if not isinstance(target, dict) or not all(_is_sound(key, value) for key, value in target.items()):
        return ""
    bodies = _read(tree, at, row)
    text = orjson.dumps(bodies)
    if len(bodies) != 1 or any(word in text for word in _CHANGES_KIND) or row.get("options"):
        return ""
    # kustomize reads what begins with a bracket as JSON, and fails where it is YAML (5.8, PatchTransformer.go).
    is_list = isinstance(bodies[0], list) and not str(row.get("patch") or "[").lstrip().startswith("[")
    is_patch = is_list or (_target(bodies[0]) and bodies[0].get("apiVersion"))
    return Fields(target).text("kind") if is_patch else ""


def _is_sound(key: str, value: object) -> bool:
    return key in _SOUND and isinstance(value, str) and _SOUND[key].fullmatch(value) is not None


def lenient(tree: Tree, at: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a kustomization file whose patches need not find their object: each names it in a target.

    A strategic merge patch without a target that finds nothing fails the build, one with a target does not
    (kustomize 5.8, PatchTransformer.go).
    """
    rows = _rows(body, _MERGES)
    made = {key: value for key, value in body.items() if key not in _MERGES}
    return made | ({"patches": [one for row in rows for one in _targeted(tree, at, row)]} if rows else {})


def _targeted(tree: Tree, at: str, row: Any) -> Iterator[Any]:
    """Yield a patch once for each object that it names: with a target, kustomize takes one object in a patch only."""
    bodies = [] if not isinstance(row, dict) or row.get("target") else _read(tree, at, row)
    targets = [_target(body) for body in bodies]
    if not targets or not all(targets):
        yield row
        return
    options = {key: value for key, value in row.items() if key not in ("path", "patch")}
    for body, target in zip(bodies, targets, strict=True):
        yield {**options, "patch": orjson.dumps(body).decode(), "target": target}


def _read(tree: Tree, at: str, row: Mapping[str, Any]) -> list[Any]:
    """Return the documents of a patch; [] where they cannot be read."""
    path, text = row.get("path"), row.get("patch")
    if isinstance(path, str) and path:
        held = tree.parsed(clean(posixpath.join(at, path)))
        return [] if held.flaw else [d.body for d in held.documents]
    return list(bodies_of(text)) if isinstance(text, str) else []


@lru_cache(1024)
def bodies_of(text: str) -> tuple[Any, ...]:
    """Read a patch once for all Kustomizations that have it. Never change what it returns."""
    parsed = documents.parse(text)
    return () if parsed.error else tuple(d.body for d in parsed.documents)


def _target(body: Any) -> dict[str, str]:
    """Return the target that is the object which a strategic merge patch names; {} where it names none."""
    patch = Fields(body) if isinstance(body, dict) else Fields({})
    group, _, version = patch.text("apiVersion").rpartition("/")
    named = {"group": group, "version": version, "kind": patch.text("kind"), "name": patch.text("metadata.name")}
    if not named["kind"] or not named["name"]:
        return {}
    named["namespace"] = patch.text("metadata.namespace")
    return {key: re.escape(value) for key, value in named.items() if value}
