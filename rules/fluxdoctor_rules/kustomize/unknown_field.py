"""A declared field that Kubernetes does not know, and that the object in the cluster does not have."""

import difflib
import re
from collections.abc import Iterator

from fluxdoctor import Build, Cluster, Fields, Manifests, Problem, Resource, Unknown, owner

from ._build import applied, is_generated, live
from ._schema import places

_FLUX = "kustomize.toolkit.fluxcd.io/"


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem | Unknown]:
    """Compare the fields of what was applied with those that are known, and with the object in the cluster."""
    for kustomization, build in applied(cluster, manifests):
        if not build.complete or kustomization.strings("spec.components") or kustomization.has("spec.patches"):
            continue
        for resource in build.objects:
            if not _is_plain(resource, build):
                continue
            seen = live(resource, kustomization, cluster)
            found = seen.resource
            if found and owner(found) == kustomization.ref:
                yield from (_problem(kustomization, resource, found, p, k) for p, k in _dropped(resource, found))
            elif seen.unknown and any(_suspect(resource, place, known) for place, known in places(resource)):
                yield Unknown(kustomization.ref, seen.why)


def _is_plain(resource: Resource, build: Build) -> bool:
    """Tell whether an object is applied as it is written: no generator, patch or apply rule changes its fields."""
    rules = [k for k in resource.keys("metadata.annotations") if k.startswith((f"{_FLUX}ssa", f"{_FLUX}reconcile"))]
    patched = any(_may_touch(p.target, resource) for p in build.patches)
    strategic = any(body.has("patchesStrategicMerge") or body.has("replacements") for body in build.kustomizations)
    return not (rules or patched or strategic or is_generated(resource) or resource.kind == "Secret")


def _may_touch(target: Fields, resource: Resource) -> bool:
    kind, name = target.text("kind"), target.text("name")
    names = (resource.name, resource.text("metadata.name"))
    try:
        other_kind = kind and not re.fullmatch(kind, resource.text("kind"))
        other_name = name and not any(re.fullmatch(name, held) for held in names)
    except re.error:
        return True
    return not (other_kind or other_name)


def _dropped(resource: Resource, found: Resource) -> Iterator[tuple[tuple[str | int, ...], frozenset[str]]]:
    # Of Flux's own kinds every field of the spec is kept, so the object itself tells which there are.
    flux = resource.group.endswith(".toolkit.fluxcd.io") and resource.api_version == found.api_version
    own = [(("spec",), frozenset(found.keys("spec")))] if flux else []
    for place, known in (*places(resource), *own):
        yield from ((path, known) for path in _suspect(resource, place, known) if not found.has(path))


def _suspect(resource: Resource, place: tuple[str | int, ...], known: frozenset[str]) -> list[tuple[str | int, ...]]:
    # An empty value may be left out of the object; what SOPS adds is another rule's business.
    paths = [(*place, key) for key in resource.keys(place) if key not in known and key != "sops"]
    return [path for path in paths if resource.get(path)]


def _problem(
    kustomization: Resource,
    resource: Resource,
    found: Resource,
    path: tuple[str | int, ...],
    known: frozenset[str],
) -> Problem:
    near = difflib.get_close_matches(str(path[-1]), sorted(known), 1, 0.75)
    location, wrong = resource.at(path), Fields({}, path).dotted
    facts = {
        "where": str(location),
        "wrong": wrong,
        "object": str(found.ref),
        "nearest": f"; {near[0]} may be meant" if near else "",
        "instead": f" (is {near[0]} meant?)" if near else "",
    }
    return Problem(kustomization.ref, facts, field=wrong, location=location, key=f"{found.ref} {wrong}")
