"""Two documents of one build declare the same object."""

from collections.abc import Iterator

from fluxdoctor import Build, Cluster, Manifests, Problem, Resource
from fluxdoctor_rules.kustomize._build import unbuilt
from fluxdoctor_rules.shared.variables import is_generated


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Compare the identities of the objects of a build, after its namespaces and prefixes are applied."""
    for kustomization, _, build in unbuilt(cluster, manifests):
        duplicates = _duplicates(build)
        if duplicates:
            first, second = duplicates[0]
            here, there = first.at("metadata.name"), second.at("metadata.name")
            places = f": {here} and {there}" if here != there else f": {there} is included twice"
            count = len(duplicates) - 1
            more = f" ({count} more object{'s' if count > 1 else ''} declared twice)" if count else ""
            yield Problem(
                kustomization.ref,
                {"id": str(second.ref), "places": places + more},
                field="metadata.name",
                location=there,
                key=str(second.ref),
                shared=f"{manifests.source(kustomization)} {second.ref} {here} {there}",
            )


def _duplicates(build: Build) -> list[tuple[Resource, Resource]]:
    renames = any(body.text("namespace") for body in build.kustomizations)
    resources: dict[tuple[str, str, str, str], Resource] = {}
    duplicates = []
    for resource in build.objects:
        # A generator can merge into an object or replace it; `namespace:` also changes the name of a Namespace.
        has_identity = resource.kind and resource.name and not (resource.kind == "Namespace" and renames)
        if has_identity and not is_generated(resource):
            identity = (resource.api_version, resource.kind, resource.namespace or "default", resource.name)
            first = resources.setdefault(identity, resource)
            if first is not resource:
                duplicates.append((first, resource))
    return duplicates
