"""A JSON 6902 patch that does not apply: which one, and what its target lacks."""

import posixpath
import re
from collections.abc import Iterator

from fluxdoctor import Build, Failures, Fields, Manifests, Problem, Resource, Tree

_SAID = re.compile(r"\b\w+ operation does not apply: .*?(?<![\w/])(?P<path>/[^\s:'\"]+).*")


def check(failures: Failures, manifests: Manifests) -> Iterator[Problem]:
    """Find the patch that holds the path of the controller's message; silent where two of them do."""
    for failure in failures.failed:
        said = next((m for w in failure.words if (m := _SAID.search(w.message))), None)
        tree, build = manifests.tree(failure.resource), manifests.build(failure.resource)
        if failure.ref.kind != "Kustomization" or not (said and tree and build):
            continue
        holders = [(r, f) for r, f in _patches(failure.resource, build) if _holds(tree, r, f, said["path"])]
        if len(holders) == 1:
            owner, row = holders[0]
            location = owner.at(row.path)
            where = f"the patch at {location}" if location else f"{row.dotted}"
            facts = {"where": where, "problem": said[0].strip(), "hint": _hint(row, build, said["path"])}
            yield Problem(failure.ref, facts, field=row.dotted, location=location, key=said["path"])


def _patches(kustomization: Resource, build: Build) -> Iterator[tuple[Resource, Fields]]:
    for body in (*build.kustomizations, kustomization):
        for key in ("patches", "patchesJson6902") if body is not kustomization else ("spec.patches",):
            yield from ((body, row) for row in body.rows(key))


def _holds(tree: Tree, owner: Resource, row: Fields, path: str) -> bool:
    text = row.text("patch")
    if row.text("path"):
        file = posixpath.normpath(posixpath.join(posixpath.dirname(owner.file), row.text("path")))
        text = tree.text(file).decode("utf-8", "replace") if tree.is_file(file) else ""
    return re.search(rf"{re.escape(path)}(?![\w/~-])", text) is not None


def _hint(row: Fields, build: Build, path: str) -> str:
    """Name the first field of the path that the patch's target lacks."""
    target = row.fields("target")
    named = [r for r in build.objects if r.text("kind") == target.text("kind") and r.name == target.text("name")]
    if len(named) != 1:
        return ""
    parts = [p.replace("~1", "/").replace("~0", "~") for p in path.strip("/").split("/")]
    for end in range(1, len(parts) + 1):
        step = tuple(int(p) if p.isdecimal() else p for p in parts[:end])
        if not named[0].has(step):
            return f"; {named[0].ref} has no {'.'.join(parts[:end])}"
    return ""
