"""A declared field is unknown to Kubernetes, and the object in the cluster does not have it."""

from collections.abc import Iterator

from fluxdoctor import Build, Cluster, Fields, Manifests, Problem, Resource, Unknown, did_you_mean, go_regex, owner
from fluxdoctor_rules.kustomize._build import applied, live
from fluxdoctor_rules.kustomize._schema import places
from fluxdoctor_rules.shared.variables import is_generated

_FLUX = "kustomize.toolkit.fluxcd.io/"


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem | Unknown]:
    """Compare the declared fields with the schema and with the object in the cluster."""
    for kustomization, build in applied(cluster, manifests):
        if not build.complete or kustomization.strings("spec.components") or kustomization.has("spec.patches"):
            continue
        for resource in build.objects:
            if not _is_plain(resource, build):
                continue
            lookup = live(resource, kustomization, cluster)
            deployed = lookup.resource
            if deployed and owner(deployed) == kustomization.ref:
                yield from (_problem(kustomization, resource, deployed, p, n) for p, n in _dropped(resource, deployed))
            elif lookup.unknown and any(_suspect(resource, place, names) for place, names in places(resource)):
                yield lookup.as_unknown(kustomization.ref)


def _is_plain(resource: Resource, build: Build) -> bool:
    """Tell whether an object is applied as declared: no generator, patch or annotation changes its fields."""
    rules = [k for k in resource.keys("metadata.annotations") if k.startswith((f"{_FLUX}ssa", f"{_FLUX}reconcile"))]
    has_patch = any(_may_touch(p.target, resource) for p in build.patches)
    has_merge = any(body.has("patchesStrategicMerge") or body.has("replacements") for body in build.kustomizations)
    return not (rules or has_patch or has_merge or is_generated(resource) or resource.kind == "Secret")


def _may_touch(target: Fields, resource: Resource) -> bool:
    kind, name = target.text("kind"), target.text("name")
    names = (resource.name, resource.text("metadata.name"))
    return go_regex.selects(kind, (resource.text("kind"),), default=True) and go_regex.selects(
        name, names, default=True
    )


def _dropped(resource: Resource, deployed: Resource) -> Iterator[tuple[tuple[str | int, ...], frozenset[str]]]:
    # Flux objects keep every known field of the spec, so the deployed object itself has the known names.
    flux = resource.group.endswith(".toolkit.fluxcd.io") and resource.api_version == deployed.api_version
    own = [(("spec",), frozenset(deployed.keys("spec")))] if flux else []
    for place, names in (*places(resource), *own):
        yield from ((path, names) for path in _suspect(resource, place, names) if not deployed.has(path))


def _suspect(resource: Resource, place: tuple[str | int, ...], names: frozenset[str]) -> list[tuple[str | int, ...]]:
    # The API server may omit empty values. Another rule covers the field that SOPS adds.
    paths = [(*place, key) for key in resource.keys(place) if key not in names and key != "sops"]
    return [path for path in paths if resource.get(path)]


def _problem(
    kustomization: Resource,
    resource: Resource,
    deployed: Resource,
    path: tuple[str | int, ...],
    names: frozenset[str],
) -> Problem:
    location, wrong = resource.at(path), Fields({}, path).dotted
    facts = {
        "where": str(location),
        "wrong": wrong,
        "object": str(deployed.ref),
        "hint": did_you_mean(str(path[-1]), sorted(names)),
    }
    return Problem(kustomization.ref, facts, field=wrong, location=location, key=f"{deployed.ref} {wrong}")
