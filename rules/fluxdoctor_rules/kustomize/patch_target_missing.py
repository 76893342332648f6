"""A strategic merge patch without a target is for an object that the build does not contain."""

import posixpath
from collections.abc import Iterator

from fluxdoctor import Build, Cluster, Manifests, Problem, Resource, Tree, nearest, suggestion
from fluxdoctor_rules.kustomize._build import unbuilt


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Compare the patches in files of their own with the objects of a complete build."""
    for kustomization, tree, build in unbuilt(cluster, manifests):
        if not build.complete or kustomization.strings("spec.components"):
            continue
        for patch in _patches(tree, build):
            if not any(_is_for(patch, resource) for resource in build.objects):
                yield _problem(kustomization, patch, build)


def _patches(tree: Tree, build: Build) -> Iterator[Resource]:
    for body in build.kustomizations:
        files = [row.text("path") for row in body.rows("patches") if row.text("path") and not row.has("target")]
        for text in (*files, *body.strings("patchesStrategicMerge")):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(body.file), text))
            if tree.is_file(path):
                yield from (d for d in tree.parsed(path).documents if d.text("kind") and d.text("metadata.name"))


def _is_for(patch: Resource, resource: Resource) -> bool:
    meta = resource.fields("metadata")
    namespace = patch.text("metadata.namespace") or "default"
    # A generated object has no apiVersion in the files. `namespace:` of a base also renames a Namespace.
    return (
        patch.text("kind") == resource.text("kind")
        and resource.api_version in ("", patch.api_version)
        and (patch.kind == "Namespace" or patch.text("metadata.name") in (resource.name, meta.text("name")))
        and namespace in (resource.namespace or "default", meta.text("namespace") or "default")
    )


def _problem(kustomization: Resource, patch: Resource, build: Build) -> Problem:
    refs = {r.name: str(r.ref) for r in build.objects if r.text("kind") == patch.text("kind")}
    name = patch.text("metadata.name")
    # The name may be right, and the namespace or the apiVersion wrong.
    similar = [refs[n] for n in ((name,) if name in refs else nearest(name, sorted(refs)))]
    location = patch.at("metadata.name")
    facts = {"where": str(location), "id": str(patch.ref), "hint": suggestion(similar)}
    return Problem(kustomization.ref, facts, field="metadata.name", location=location, key=f"{patch.file} {patch.ref}")
