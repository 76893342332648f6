"""A kustomization file without what is faulty in it, so that the rest can still be built."""

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
    listed,
    never_empty,
    offline,
    without,
)


def mended(tree: Tree, at: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a kustomization file without the entries that lead nowhere."""
    made, _ = offline(body)
    for key in LISTS:
        if isinstance(made.get(key), list):
            made[key] = [e for e in made[key] if exists_in(tree, at, e, key)]
    for key in PATCHES:
        if isinstance(made.get(key), list):
            made[key] = [
                r
                for r in made[key]
                if not (isinstance(r, dict) and r.get("path")) or exists_in(tree, at, r["path"], key)
            ]
    for key in GENERATORS:
        if isinstance(made.get(key), list):
            made[key] = [_fed(tree, at, row) for row in made[key] if isinstance(row, dict)]
    return never_empty(made)


def nowhere(tree: Tree, at: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a kustomization file only what leads nowhere: what `mended` leaves out or changes; {} for nothing."""
    local, _ = offline(body)
    kept = mended(tree, at, body)
    lists = {key: local[key] for key in (*LISTS, *PATCHES, *GENERATORS) if isinstance(local.get(key), list)}
    found = {key: [e for e in held if e not in (kept.get(key) or ())] for key, held in lists.items()}
    return {key: held for key, held in found.items() if held}


def _fed(tree: Tree, at: str, row: dict[str, Any]) -> dict[str, Any]:
    entries = [(key, e) for key in SOURCES for e in listed(row, key)]
    kept = without(row, [e for key, e in entries if not exists_in(tree, at, e.rpartition("=")[2], key)])
    if isinstance(kept.get("env"), str) and not exists_in(tree, at, kept["env"], "env"):
        kept.pop("env")
    return kept


def exists_in(tree: Tree, at: str, entry: Any, key: str) -> bool:
    """Tell whether what a kustomization file in a folder lists under a key can exist: remote entries and inline texts may."""
    if not isinstance(entry, str) or "\n" in entry:
        return True
    path = clean(posixpath.join(at, entry))
    if tree.is_file(path):
        return key != "components"
    return (
        tree.is_directory(path) and bool(kustomization_file(tree, path)) and key in ("resources", "bases", "components")
    )
