"""Removes the faulty entries of a kustomization file, so that the rest can still be built."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from fluxdoctor.model.manifests import kustomization_file
from fluxdoctor.model.tree import Tree, clean
from fluxdoctor.repository.build.build_inputs import (
    GENERATORS,
    LISTS,
    PATCHES,
    SOURCES,
    never_empty,
    offline,
    string_list,
    without_entries,
)


def without_dangling_entries(tree: Tree, folder: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a kustomization file without its remote entries and without those whose file does not exist."""
    result, _ = offline(body)
    for key in LISTS:
        if isinstance(result.get(key), list):
            result[key] = [e for e in result[key] if exists_in(tree, folder, e, key)]
    for key in PATCHES:
        if isinstance(result.get(key), list):
            result[key] = [
                r
                for r in result[key]
                if not (isinstance(r, dict) and r.get("path")) or exists_in(tree, folder, r["path"], key)
            ]
    for key in GENERATORS:
        if isinstance(result.get(key), list):
            result[key] = [_without_dangling_sources(tree, folder, row) for row in result[key] if isinstance(row, dict)]
    return never_empty(result)


def only_dangling_entries(tree: Tree, folder: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a kustomization file only what ``without_dangling_entries`` removes or changes; {} for nothing."""
    local, _ = offline(body)
    repaired = without_dangling_entries(tree, folder, body)
    lists = {key: local[key] for key in (*LISTS, *PATCHES, *GENERATORS) if isinstance(local.get(key), list)}
    dangling = {key: [e for e in entries if e not in (repaired.get(key) or ())] for key, entries in lists.items()}
    return {key: entries for key, entries in dangling.items() if entries}


def _without_dangling_sources(tree: Tree, folder: str, row: dict[str, Any]) -> dict[str, Any]:
    entries = [(key, e) for key in SOURCES for e in string_list(row, key)]
    dangling = [e for key, e in entries if not exists_in(tree, folder, e.rpartition("=")[2], key)]
    result = without_entries(row, dangling)
    if isinstance(result.get("env"), str) and not exists_in(tree, folder, result["env"], "env"):
        result.pop("env")
    return result


def exists_in(tree: Tree, folder: str, entry: Any, key: str) -> bool:
    """Tell whether an entry under a key of the kustomization file in a folder can exist.

    True for an inline text, which is not a path.
    """
    if not isinstance(entry, str) or "\n" in entry:
        return True
    path = clean(posixpath.join(folder, entry))
    if tree.is_file(path):
        return key != "components"
    return (
        tree.is_directory(path) and bool(kustomization_file(tree, path)) and key in ("resources", "bases", "components")
    )
