"""Find where a field of an object is defined: in the file of the object, or in a patch of an overlay.

A change to the base of a patched field has no effect: the place to edit is the patch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fluxdoctor.model import go_regex
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.manifests import Build, Manifests, Patch
from fluxdoctor.model.resource import FieldPath, Fields, Location, Ref, Resource, split
from fluxdoctor.model.tree import Tree

_Path = tuple[str | int, ...]
#: Matches every value.
_ANY = object()


def locate(
    manifests: Manifests, cluster: Cluster, resource: Resource, path: FieldPath, owner: Ref | None
) -> Location | None:
    """Return where a field of an object is defined: in a patch, in its own file, or in the git file that declares it.

    ``owner``: the Kustomization that applies the object. Returns None for a live object that no known file declares.
    """
    parts = split(path)
    kustomization = cluster.get(owner) if owner else None
    tree = manifests.tree(kustomization) if kustomization else None
    build = manifests.build(kustomization) if kustomization else None
    declared = manifests.definition(resource.ref, owner)
    if kustomization and tree and build and parts:
        # An object from a file is the result of its patches; a live one may have been changed since.
        value = resource.get(parts) if resource.file else None
        if location := _in_file(tree, build, resource.ref, parts, _ANY if value is None else value):
            return location
        is_patched = declared is not None and value is not None and _is_patched(declared.get(parts), value)
        if is_patched and (location := _inline(build, kustomization, resource.ref)):
            return location
    return resource.at(path) if resource.file else declared.at(path) if declared else None


def _is_patched(base: Any, value: Any) -> bool:
    """Tell whether a field differs from its file, and not because of a variable."""
    return not isinstance(base, dict) and base != value and not (isinstance(base, str) and "${" in base)


def _in_file(tree: Tree, build: Build, ref: Ref, path: _Path, value: Any) -> Location | None:
    """Return the location of a field in the last patch file that sets it to a value; None if there is none."""
    # The patches of an overlay come after those of its bases, and the last one wins.
    for patch in reversed(build.patches):
        for document in tree.parsed(patch.path).documents if tree.is_file(patch.path) else ():
            if isinstance(document.body, list):
                position = _operation(document, path, value) if _selects(patch, ref) else None
            else:
                position = path if _sets(document, path, value) and _matches(patch.target, document, ref) else None
            if position is not None:
                return document.at(position)
    return None


def _inline(build: Build, owner: Resource, ref: Ref) -> Location | None:
    """Return the location of the only inline patch for an object, in a kustomization file or in spec.patches.

    None if there are none or several, because the content of inline patches is not read.
    """
    locations = [p.location for p in build.patches if not p.path and _selects(p, ref)]
    for row in owner.rows("spec.patches"):
        target = row.fields("target")
        if target.keys() and _fits_ref(target, ref) and (at := owner.at(row.path)):
            locations.append(at)
    return locations[0] if len(locations) == 1 else None


def _matches(target: Fields, document: Resource, ref: Ref) -> bool:
    """Tell whether a patch is for an object: by its target (anchored regular expressions), else by its own identity."""
    if not target.keys():
        return (document.kind, document.name) == (ref.kind, ref.name)
    return _fits_ref(target, ref)


def _selects(patch: Patch, ref: Ref) -> bool:
    return bool(patch.target.keys()) and _fits_ref(patch.target, ref)


def _fits_ref(target: Fields, ref: Ref) -> bool:
    selectors = ((target.text("kind"), ref.kind), (target.text("name"), ref.name))
    return all(go_regex.selects(pattern, (value,), default=False) for pattern, value in selectors)


def _sets(document: Resource, path: _Path, value: Any) -> bool:
    return document.has(path) and (value is _ANY or _is_part(document.get(path), value))


def _operation(document: Resource, path: _Path, value: Any) -> _Path | None:
    """Return the position of the last operation of a JSON patch that sets a field or a mapping around it to a value."""
    position = None
    for i, row in enumerate(document.body):
        if not isinstance(row, dict) or row.get("op") not in ("add", "replace"):
            continue
        at = tuple(_pointer(row.get("path")))
        rest = path[len(at) :]
        is_around = at == tuple(str(p) for p in path[: len(at)])
        new = Fields({"value": row.get("value")}).get(("value", *rest))
        if at and is_around and new is not None and (value is _ANY or _is_part(new, value)):
            position = (i, "value", *rest)
    return position


def _pointer(text: object) -> Iterator[str]:
    """Yield the parts of a JSON pointer (RFC 6901)."""
    for part in text.split("/")[1:] if isinstance(text, str) else ():
        yield part.replace("~1", "/").replace("~0", "~")


def _is_part(part: Any, value: Any) -> bool:
    """Tell whether a value is what a patch sets, or a mapping to which other patches have added keys."""
    if isinstance(part, Mapping) and isinstance(value, Mapping):
        return all(k in value and _is_part(v, value[k]) for k, v in part.items())
    if isinstance(part, Sequence) and isinstance(value, Sequence) and not isinstance(part, str):
        return len(part) == len(value) and all(map(_is_part, part, value))
    return bool(part == value)
