"""A JSON 6902 patch does not apply: find the patch, and the field that its target does not have."""

import posixpath
import re
from collections.abc import Iterator

from fluxdoctor import Build, Failures, Fields, Manifests, Problem, Resource, Tree

_ERROR = re.compile(r"\b\w++ operation does not apply: .{0,1000}?(?<![\w/])(?P<path>/[^\s:'\"]+).*")


def check(failures: Failures, manifests: Manifests) -> Iterator[Problem]:
    """Find the patch that contains the path of the controller's message; yield nothing if several patches do."""
    for failure in failures.failed:
        error = next((m for w in failure.words if (m := _ERROR.search(w.message))), None)
        tree, build = manifests.tree(failure.resource), manifests.build(failure.resource)
        if failure.ref.kind != "Kustomization" or not (error and tree and build):
            continue
        patches = [(r, f) for r, f in _patches(failure.resource, build) if _contains(tree, r, f, error["path"])]
        if len(patches) == 1:
            owner, row = patches[0]
            location = owner.at(row.path)
            where = f"the patch at {location}" if location else f"{row.dotted}"
            facts = {"where": where, "problem": error[0].strip(), "hint": _hint(row, build, error["path"])}
            yield Problem(failure.ref, facts, field=row.dotted, location=location, key=error["path"])


def _patches(kustomization: Resource, build: Build) -> Iterator[tuple[Resource, Fields]]:
    for body in (*build.kustomizations, kustomization):
        for key in ("patches", "patchesJson6902") if body is not kustomization else ("spec.patches",):
            yield from ((body, row) for row in body.rows(key))


def _contains(tree: Tree, owner: Resource, row: Fields, path: str) -> bool:
    """Tell whether a patch, inline or in a file of its own, contains a JSON pointer."""
    text = row.text("patch")
    if row.text("path"):
        file = posixpath.normpath(posixpath.join(posixpath.dirname(owner.file), row.text("path")))
        text = tree.text(file).decode("utf-8", "replace") if tree.is_file(file) else ""
    return re.search(rf"{re.escape(path)}(?![\w/~-])", text) is not None


def _hint(row: Fields, build: Build, path: str) -> str:
    """Return the first field of the path that the target does not have; "" if the target is not exactly one object."""
    target = row.fields("target")
    objects = [r for r in build.objects if r.text("kind") == target.text("kind") and r.name == target.text("name")]
    if len(objects) != 1:
        return ""
    parts = [p.replace("~1", "/").replace("~0", "~") for p in path.strip("/").split("/")]
    for end in range(1, len(parts) + 1):
        step = tuple(int(p) if p.isdecimal() else p for p in parts[:end])
        if not objects[0].has(step):
            return f"; {objects[0].ref} has no {'.'.join(parts[:end])}"
    return ""
