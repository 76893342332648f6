"""A patch whose target selects none of the objects that are built."""

import difflib
import re
from collections.abc import Iterator, Sequence

from fluxdoctor import Build, Cluster, Fields, Location, Manifests, Problem, Resource, State, state

_PARTS = ("kind", "group", "version", "name", "namespace")


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Evaluate the targets of patches where nothing but the files read decides which objects there are."""
    for kustomization in cluster.all("Kustomization"):
        build = manifests.build(kustomization)
        if build is None or not build.complete or state(kustomization) is State.SUSPENDED:
            continue
        if kustomization.strings("spec.components") or _renames(build):
            continue
        for target, location, objects in _targets(kustomization, build):
            if _is_specific(target, objects) and not any(_selects(target, resource) for resource in objects):
                yield _problem(kustomization, target, location, objects)


def _renames(build: Build) -> bool:
    """Tell whether a patch may change names or kinds, or a replacement may: then what is there is not known."""
    options = (row.fields("options") for body in build.kustomizations for row in body.rows("patches"))
    return any(o.body for o in options) or any(body.has("replacements") for body in build.kustomizations)


def _targets(kustomization: Resource, build: Build) -> Iterator[tuple[Fields, Location | None, Sequence[Resource]]]:
    owners = {body.file: body for body in build.kustomizations}
    for patch in build.patches:
        # A component patches what the directory that uses it has; patchesJson6902 fails where it finds nothing.
        path = patch.target.path
        if not patch.target.body or path[0] != "patches" or owners[patch.owner].text("kind") == "Component":
            continue
        # What is deleted and not there is as wanted.
        if "$patch: delete" not in owners[patch.owner].text((*path[:-1], "patch")):
            yield patch.target, patch.location, patch.candidates
    for row in kustomization.rows("spec.patches"):
        target = row.fields("target")
        unsure = kustomization.has("spec.targetNamespace") and target.has("namespace")
        if target.body and not unsure and "$patch: delete" not in row.text("patch"):
            yield target, None, build.objects


def _is_specific(target: Fields, objects: Sequence[Resource]) -> bool:
    kinds = {resource.text("kind") for resource in objects}
    kind = target.text("kind")
    meant = kind not in kinds and difflib.get_close_matches(kind, sorted(kinds), 1, 0.8)
    return bool(target.text("name").strip(".*+")) or bool(meant)


def _selects(target: Fields, resource: Resource) -> bool:
    """Compare what an object was called in its file, and is called now; labels are not compared, for they may be patched."""
    meta = resource.fields("metadata")
    held = {
        "kind": {resource.text("kind")},
        "group": {resource.group},
        "version": {resource.api_version.rpartition("/")[2]},
        "name": {resource.name, meta.text("name")},
        "namespace": {resource.namespace or "default", meta.text("namespace") or "default"},
    }
    # What a generator makes has no apiVersion in the files; `namespace:` of a base gives its own name to a Namespace.
    unsure = () if resource.api_version else ("group", "version")
    unsure = (*unsure, "name") if resource.kind == "Namespace" else unsure
    parts = [p for p in _PARTS if target.text(p) and p not in unsure]
    return all(any(_matches(target.text(p), value) for value in held[p]) for p in parts)


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return True  # Go's regular expressions differ a little: what cannot be read is not judged


def _problem(
    kustomization: Resource, target: Fields, location: Location | None, objects: Sequence[Resource]
) -> Problem:
    same = [r for r in objects if r.text("kind") == target.text("kind")] or list(objects)
    names = {f"{r.text('kind')} {r.name}": str(r.ref) for r in same}
    wanted = target.text("name")
    near = difflib.get_close_matches(f"{target.text('kind')} {wanted}".strip(), sorted(names), 1, 0.5)
    facts = {
        "where": str(location) if location else target.dotted.removesuffix(".target"),
        "wanted": ", ".join(f"{p} {target.text(p)}" for p in _PARTS if target.text(p)),
        "nearest": f"; the nearest is {names[near[0]]}" if near else "",
        "instead": f" (the nearest object is {names[near[0]]})" if near else "",
    }
    return Problem(kustomization.ref, facts, field=target.dotted, location=location, key=facts["wanted"])
