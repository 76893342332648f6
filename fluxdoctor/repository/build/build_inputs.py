"""Finds the files that a build of a directory reads, and removes what would need the network.

Remote bases are removed before a build, because nothing is fetched. Other faults are removed from a second copy after a build
has failed (``repair.py``). The rules read those faults from the files themselves.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fluxdoctor.model.manifests import is_remote, kustomization_file, scanned
from fluxdoctor.model.resource import Fields, Resource
from fluxdoctor.model.tree import Tree, clean

LISTS = (
    "resources",
    "bases",
    "components",
    "crds",
    "patchesStrategicMerge",
    "generators",
    "transformers",
    "configurations",
)
PATCHES = ("patches", "patchesJson6902", "replacements")
GENERATORS = ("configMapGenerator", "secretGenerator")
SOURCES = ("files", "envs")


@dataclass
class Closure:
    """The files and directories that building a directory reads, and what else it needs."""

    directories: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    escaping_entry: str = ""
    """An entry that leads out of the artifact. The controller refuses it, and fluxdoctor must not read anything outside."""
    has_remote: bool = False
    has_helm: bool = False
    has_schema: bool = False
    """A kustomization file sets its own OpenAPI document."""


def closure(tree: Tree, directory: str, components: tuple[str, ...] = ()) -> Closure:
    """Follow every path that the kustomization files of a directory and of its components name."""
    result = Closure()
    pending = [directory, *(clean(posixpath.join(directory, c)) for c in components)]
    while pending:
        folder = pending.pop()
        if folder in result.directories:
            continue
        result.directories.add(folder)
        direct = tree.memo(_direct_inputs, folder)
        result.files |= direct.files
        pending += direct.directories
        result.escaping_entry = result.escaping_entry or direct.escaping_entry
        result.has_schema |= direct.has_schema
        result.has_remote |= direct.has_remote
        result.has_helm |= direct.has_helm
    return result


def _direct_inputs(tree: Tree, folder: str) -> Closure:
    """Return what the kustomization file of a folder itself names; without such a file, everything below the folder."""
    inputs = Closure()
    file = kustomization_file(tree, folder)
    if not file:
        directories, files = scanned(tree, folder)
        return Closure({*directories}, {*files})
    inputs.files.add(file)
    for document in tree.parsed(file).documents[:1]:
        _add_inputs(tree, folder, document, inputs)
    return inputs


def _add_inputs(tree: Tree, folder: str, body: Resource, inputs: Closure) -> None:
    inputs.escaping_entry = next((e for e in _paths(body) if leaves(folder, e)), "")
    inputs.has_schema = body.has("openapi")
    inputs.has_remote = isinstance(body.body, dict) and offline(body.body)[1]
    inputs.has_helm = bool(body.get("helmCharts") or body.get("helmChartInflationGenerator"))
    for text in _strings(body.body):
        entry = text.rpartition("=")[2] if "=" in text and "://" not in text else text
        path = clean(posixpath.join(folder, entry)) if entry and "\n" not in entry and len(entry) < 300 else ""  # noqa: PLR2004
        if path and tree.is_file(path):
            inputs.files.add(path)
        elif path and path != folder and tree.is_directory(path):
            inputs.directories.add(path)


def _paths(body: Fields) -> Iterator[str]:
    """Yield every path that a kustomization file names."""
    for key in LISTS:
        yield from (e for e in body.strings(key) if "\n" not in e)
    for key in PATCHES:
        yield from (row.text("path") for row in body.rows(key))
    for key in GENERATORS:
        for row in body.rows(key):
            yield from (e.rpartition("=")[2] for field in SOURCES for e in row.strings(field))
            yield row.text("env")
    yield body.text("openapi.path")


def leaves(folder: str, entry: str) -> bool:
    """Tell whether an entry of the kustomization file in a folder leads out of the artifact."""
    if not entry or "://" in entry:
        return False
    path = posixpath.normpath(posixpath.join(folder, entry))
    return entry.startswith("/") or path == ".." or path.startswith("../")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def offline(body: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return a kustomization file without what would be fetched or inflated, and whether anything was removed."""
    local = dict(body)
    for key in LISTS:
        if isinstance(local.get(key), list):
            local[key] = [e for e in local[key] if not (isinstance(e, str) and "\n" not in e and is_remote(e))]
    for key in GENERATORS:
        rows = local.get(key)
        if isinstance(rows, list):
            local[key] = [_without_remote_files(row) if isinstance(row, dict) else row for row in rows]
    for key in ("helmCharts", "helmChartInflationGenerator", "helmGlobals"):
        local.pop(key, None)
    is_changed = local != dict(body)
    return (never_empty(local), True) if is_changed else (local, False)


def _without_remote_files(row: dict[str, Any]) -> dict[str, Any]:
    return without_entries(row, [e for e in string_list(row, "files") + string_list(row, "envs") if "://" in e])


def string_list(row: Mapping[str, Any], key: str) -> list[str]:
    """Return the strings of a list in a raw kustomization file."""
    entries = row.get(key)
    return [e for e in entries if isinstance(e, str)] if isinstance(entries, list) else []


def without_entries(row: dict[str, Any], removed: list[str]) -> dict[str, Any]:
    """Remove entries of a generator. The keys that their files would set stay, without a value."""
    result = dict(row)
    keys = [
        e.partition("=")[0] if "=" in e.partition("://")[0] else posixpath.basename(e)
        for e in removed
        if e in string_list(row, "files")
    ]
    for key in SOURCES:
        if isinstance(result.get(key), list):
            result[key] = [e for e in result[key] if e not in removed]
    if keys:
        result["literals"] = [*string_list(row, "literals"), *(f"{key}=" for key in keys)]
    return result


def never_empty(body: dict[str, Any]) -> dict[str, Any]:
    """Add a harmless field to an empty kustomization file, which kustomize refuses (5.8, kusttarget.go)."""
    has_content = any(v for k, v in body.items() if k not in ("apiVersion", "kind", "metadata"))
    return body if has_content else {**body, "buildMetadata": ["originAnnotations"]}
