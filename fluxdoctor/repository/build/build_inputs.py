"""What in a directory's files cannot be built, and the same files without it, so that the rest can still be looked at.

Remote bases are taken out before a build, for nothing is fetched. The rest is taken out of a second copy after a build
has failed: what the rules say of the fault they read from the files themselves.
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
    """The files that building a directory reads, and which of their entries come from elsewhere."""

    directories: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    outside: str = ""
    """An entry that leads out of the artifact: the controller refuses it, and here nothing outside may be read."""
    remote: bool = False
    helm: bool = False
    schema: bool = False
    """A kustomization file brings an OpenAPI document of its own."""


def closure(tree: Tree, directory: str, extra: tuple[str, ...] = ()) -> Closure:
    """Follow every path that the kustomization files of a directory name."""
    found = Closure()
    todo = [directory, *(clean(posixpath.join(directory, e)) for e in extra)]
    while todo:
        at = todo.pop()
        if at in found.directories:
            continue
        found.directories.add(at)
        near = tree.memo(_near, at)
        found.files |= near.files
        todo += near.directories
        found.outside = found.outside or near.outside
        found.schema |= near.schema
        found.remote |= near.remote
        found.helm |= near.helm
    return found


def _near(tree: Tree, at: str) -> Closure:
    """Return what the kustomization file of a directory names itself; where there is none, all that is below."""
    found = Closure()
    file = kustomization_file(tree, at)
    if not file:
        directories, files = scanned(tree, at)
        return Closure({*directories}, {*files})
    found.files.add(file)
    for document in tree.parsed(file).documents[:1]:
        _follow(tree, at, document, found)
    return found


def _follow(tree: Tree, at: str, body: Resource, found: Closure) -> None:
    found.outside = next((e for e in _named(body) if leaves(at, e)), "")
    found.schema = body.has("openapi")
    found.remote = isinstance(body.body, dict) and offline(body.body)[1]
    found.helm = bool(body.get("helmCharts") or body.get("helmChartInflationGenerator"))
    for text in _strings(body.body):
        entry = text.rpartition("=")[2] if "=" in text and "://" not in text else text
        path = clean(posixpath.join(at, entry)) if entry and "\n" not in entry and len(entry) < 300 else ""  # noqa: PLR2004
        if path and tree.is_file(path):
            found.files.add(path)
        elif path and path != at and tree.is_directory(path):
            found.directories.add(path)


def _named(body: Fields) -> Iterator[str]:
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


def leaves(at: str, entry: str) -> bool:
    """Tell whether an entry of a kustomization file in a folder leads out of the artifact."""
    if not entry or "://" in entry:
        return False
    path = posixpath.normpath(posixpath.join(at, entry))
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
    """Return a kustomization file without what would be fetched or inflated, and whether anything was left out."""
    made = dict(body)
    for key in LISTS:
        if isinstance(made.get(key), list):
            made[key] = [e for e in made[key] if not (isinstance(e, str) and "\n" not in e and is_remote(e))]
    for key in GENERATORS:
        rows = made.get(key)
        if isinstance(rows, list):
            made[key] = [_local(row) if isinstance(row, dict) else row for row in rows]
    for key in ("helmCharts", "helmChartInflationGenerator", "helmGlobals"):
        made.pop(key, None)
    changed = made != dict(body)
    return (never_empty(made), True) if changed else (made, False)


def _local(row: dict[str, Any]) -> dict[str, Any]:
    return without(row, [e for e in listed(row, "files") + listed(row, "envs") if "://" in e])


def listed(row: Mapping[str, Any], key: str) -> list[str]:
    """Return the strings of a list in a raw kustomization file."""
    held = row.get(key)
    return [e for e in held if isinstance(e, str)] if isinstance(held, list) else []


def without(row: dict[str, Any], gone: list[str]) -> dict[str, Any]:
    """Leave entries of a generator out; the keys that its files would make stay, without a value."""
    kept = dict(row)
    keys = [
        e.partition("=")[0] if "=" in e.partition("://")[0] else posixpath.basename(e)
        for e in gone
        if e in listed(row, "files")
    ]
    for key in SOURCES:
        if isinstance(kept.get(key), list):
            kept[key] = [e for e in kept[key] if e not in gone]
    if keys:
        kept["literals"] = [*listed(row, "literals"), *(f"{key}=" for key in keys)]
    return kept


def never_empty(body: dict[str, Any]) -> dict[str, Any]:
    """Keep what kustomize does not refuse: a kustomization file that says nothing (5.8, kusttarget.go)."""
    says = any(v for k, v in body.items() if k not in ("apiVersion", "kind", "metadata"))
    return body if says else {**body, "buildMetadata": ["originAnnotations"]}
