"""Where a field of an object is written: in the file of the object, or where a patch of an overlay sets it.

Who changes the base of a patched field changes nothing: the place to edit is the patch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.manifests import Build, Manifests, Patch
from fluxdoctor.model.resource import FieldPath, Fields, Location, Ref, Resource, split
from fluxdoctor.model.tree import Tree

_Path = tuple[str | int, ...]
_ANY = object()


def locate(
    manifests: Manifests, cluster: Cluster, resource: Resource, path: FieldPath, owner: Ref | None
) -> Location | None:
    """Return where a field of an object is written: in a patch, in its own file, or in the git file that declares it.

    ``owner``: the Kustomization that applies the object.
    """
    parts = split(path)
    kustomization = cluster.get(owner) if owner else None
    tree = manifests.tree(kustomization) if kustomization else None
    built = manifests.build(kustomization) if kustomization else None
    declared = manifests.definition(resource.ref, owner)
    if kustomization and tree and built and parts:
        # A declared object is what its patches made of it; a live one may have been changed since.
        value = resource.get(parts) if resource.file else None
        if found := _in_file(tree, built, resource.ref, parts, _ANY if value is None else value):
            return found
        patched = declared is not None and value is not None and _is_patched(declared.get(parts), value)
        if patched and (found := _inline(built, kustomization, resource.ref)):
            return found
    return resource.at(path) if resource.file else declared.at(path) if declared else None


def _is_patched(base: Any, value: Any) -> bool:
    """Tell whether a field is not what its file says, and no variable explains why."""
    return not isinstance(base, dict) and base != value and not (isinstance(base, str) and "${" in base)


def _in_file(tree: Tree, built: Build, ref: Ref, path: _Path, value: Any) -> Location | None:
    """Return where the last patch file that sets a field sets it; only to this value, where one is given."""
    # The patches of an overlay come after those of its bases, and the last one wins.
    for patch in reversed(built.patches):
        for document in tree.parsed(patch.path).documents if tree.is_file(patch.path) else ():
            if isinstance(document.body, list):
                set_at = (
                    _operation(document, path, value) if patch.target.keys() and _fits_ref(patch.target, ref) else None
                )
            else:
                set_at = path if _sets(document, path, value) and _aims(patch.target, document, ref) else None
            if set_at is not None:
                return document.at(set_at)
    return None


def _inline(built: Build, owner: Resource, ref: Ref) -> Location | None:
    """Return where the one patch stands that is written into a kustomization file, or into spec.patches, for an object.

    None where none or several are for it: what they say is not read here.
    """
    found = [p.location for p in built.patches if not p.path and _targets(p, ref)]
    for row in owner.rows("spec.patches"):
        target = row.fields("target")
        if target.keys() and _fits_ref(target, ref) and (at := owner.at(row.path)):
            found.append(at)
    return found[0] if len(found) == 1 else None


def _aims(target: Fields, document: Resource, ref: Ref) -> bool:
    """Tell whether a patch means an object: by its target (anchored regular expressions), else by its own identity."""
    if not target.keys():
        return (document.kind, document.name) == (ref.kind, ref.name)
    return _fits_ref(target, ref)


def _targets(patch: Patch, ref: Ref) -> bool:
    return bool(patch.target.keys()) and _fits_ref(patch.target, ref)


def _fits_ref(target: Fields, ref: Ref) -> bool:
    return all(_fits(target.text(key), value) for key, value in (("kind", ref.kind), ("name", ref.name)))


def _fits(pattern: str, value: str) -> bool:
    try:
        return not pattern or re.fullmatch(pattern, value) is not None
    except re.error:
        return False


def _sets(document: Resource, path: _Path, value: Any) -> bool:
    return document.has(path) and (value is _ANY or _within(document.get(path), value))


def _operation(document: Resource, path: _Path, value: Any) -> _Path | None:
    """Return the place of the last operation of a JSON patch that sets a field, or a mapping that holds it."""
    found = None
    for i, row in enumerate(document.body):
        if not isinstance(row, dict) or row.get("op") not in ("add", "replace"):
            continue
        at = tuple(_pointer(row.get("path")))
        rest = path[len(at) :]
        same = at == tuple(str(p) for p in path[: len(at)])
        held = Fields({"value": row.get("value")}).get(("value", *rest))
        if at and same and held is not None and (value is _ANY or _within(held, value)):
            found = (i, "value", *rest)
    return found


def _pointer(text: object) -> Iterator[str]:
    """Yield the parts of a JSON pointer (RFC 6901)."""
    for part in text.split("/")[1:] if isinstance(text, str) else ():
        yield part.replace("~1", "/").replace("~0", "~")


def _within(part: Any, whole: Any) -> bool:
    """Tell whether what a patch says is what came of it: other patches may have added to a mapping."""
    if isinstance(part, Mapping) and isinstance(whole, Mapping):
        return all(k in whole and _within(v, whole[k]) for k, v in part.items())
    if isinstance(part, Sequence) and isinstance(whole, Sequence) and not isinstance(part, str):
        return len(part) == len(whole) and all(map(_within, part, whole))
    return bool(part == whole)
