"""The patches of a kustomization file, where what they are for may be elsewhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from fluxdoctor.collect import documents
from fluxdoctor.model.facts import Tree, clean
from fluxdoctor.model.resource import Fields


def lenient(tree: Tree, at: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a kustomization file whose patches need not find their object: each names it in a target.

    A strategic merge patch without a target that finds nothing fails the build, one with a target does not
    (kustomize 5.8, PatchTransformer.go).
    """
    made = dict(body)
    merges = made.pop("patchesStrategicMerge", None) or []
    rows = [{"patch" if isinstance(e, str) and "\n" in e else "path": e} for e in merges] + list(made.get("patches") or [])
    if rows:
        made["patches"] = [one for row in rows for one in _targeted(tree, at, row)]
    return made


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
    parsed = documents.parse(text if isinstance(text, str) else "")
    return [] if parsed.error else [d.body for d in parsed.documents]


def _target(body: Any) -> dict[str, str]:
    """Return the target that is the object which a strategic merge patch names; {} where it names none."""
    patch = Fields(body) if isinstance(body, dict) else Fields({})
    group, _, version = patch.text("apiVersion").rpartition("/")
    named = {"group": group, "version": version, "kind": patch.text("kind"), "name": patch.text("metadata.name")}
    if not named["kind"] or not named["name"]:
        return {}
    named["namespace"] = patch.text("metadata.namespace")
    return {key: re.escape(value) for key, value in named.items() if value}
