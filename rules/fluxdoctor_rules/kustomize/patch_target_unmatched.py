"""The target of a patch selects none of the objects of the build."""

from collections.abc import Iterator, Sequence

from fluxdoctor import (
    Build,
    Cluster,
    Fields,
    Location,
    Manifests,
    Problem,
    Resource,
    did_you_mean,
    go_regex,
    most_similar,
    nearest,
    suggestion,
)

_PARTS = ("kind", "group", "version", "name", "namespace")


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Evaluate the targets of patches if the files alone decide which objects the build contains."""
    for kustomization in cluster.active("Kustomization"):
        build = manifests.build(kustomization)
        if build is None or not build.complete:
            continue
        if kustomization.strings("spec.components") or _renames(build):
            continue
        for target, location, objects in _targets(kustomization, build):
            if _is_specific(target, objects) and not any(_selects(target, resource) for resource in objects):
                yield _problem(kustomization, target, location, objects)


def _renames(build: Build) -> bool:
    """Tell whether a patch or a replacement may change names or kinds, so that the final objects are not known."""
    options = (row.fields("options") for body in build.kustomizations for row in body.rows("patches"))
    return any(o.body for o in options) or any(body.has("replacements") for body in build.kustomizations)


def _targets(kustomization: Resource, build: Build) -> Iterator[tuple[Fields, Location | None, Sequence[Resource]]]:
    owners = {body.file: body for body in build.kustomizations}
    for patch in build.patches:
        # A component patches objects of the directory that uses it. An unmatched entry of patchesJson6902 fails the build.
        path = patch.target.path
        if not patch.target.body or path[0] != "patches" or owners[patch.owner].text("kind") == "Component":
            continue
        # If an object to delete does not exist, the result is the intended one.
        if "$patch: delete" not in owners[patch.owner].text((*path[:-1], "patch")):
            yield patch.target, patch.location, patch.candidates
    for row in kustomization.rows("spec.patches"):
        target = row.fields("target")
        is_ambiguous = kustomization.has("spec.targetNamespace") and target.has("namespace")
        if target.body and not is_ambiguous and "$patch: delete" not in row.text("patch"):
            yield target, None, build.objects


def _is_specific(target: Fields, objects: Sequence[Resource]) -> bool:
    """Tell whether a target has a name, or a kind that is a misspelling of one in the build."""
    kinds = {resource.text("kind") for resource in objects}
    kind = target.text("kind")
    similar = kind not in kinds and most_similar(kind, kinds, 0.8, 1)
    return bool(target.text("name").strip(".*+")) or bool(similar)


def _selects(target: Fields, resource: Resource) -> bool:
    """Compare a target with the original and the present name of an object. Labels are ignored, because patches may set them."""
    meta = resource.fields("metadata")
    values = {
        "kind": {resource.text("kind")},
        "group": {resource.group},
        "version": {resource.api_version.rpartition("/")[2]},
        "name": {resource.name, meta.text("name")},
        "namespace": {resource.namespace or "default", meta.text("namespace") or "default"},
    }
    # A generated object has no apiVersion in the files. `namespace:` of a base also renames a Namespace.
    ambiguous = () if resource.api_version else ("group", "version")
    ambiguous = (*ambiguous, "name") if resource.kind == "Namespace" else ambiguous
    parts = [p for p in _PARTS if target.text(p) and p not in ambiguous]
    # kustomize fails the build if it cannot compile a selector, which is another fault.
    return all(go_regex.selects(target.text(p), values[p], default=True) for p in parts)


def _problem(
    kustomization: Resource, target: Fields, location: Location | None, objects: Sequence[Resource]
) -> Problem:
    facts = {
        "where": str(location) if location else target.dotted.removesuffix(".target"),
        "wanted": ", ".join(f"{p} {target.text(p)}" for p in _PARTS if target.text(p)),
        "hint": _hint(target, objects),
    }
    return Problem(kustomization.ref, facts, field=target.dotted, location=location, key=facts["wanted"])


def _hint(target: Fields, objects: Sequence[Resource]) -> str:
    """Return the objects of the target's kind that it may mean; if there are none of this kind, the similar kinds."""
    kind, name = target.text("kind"), target.text("name")
    refs = {r.name: str(r.ref) for r in objects if kind in ("", r.text("kind"))}
    if not refs:
        return did_you_mean(kind, sorted({r.text("kind") for r in objects}))
    # The name may be right, and the namespace, group or version wrong.
    return suggestion(refs[n] for n in ((name,) if name in refs else nearest(name, sorted(refs))))
