"""Two documents of one build are the same object."""

from collections.abc import Iterator

from fluxdoctor import Build, Cluster, Manifests, Problem, Resource

from ._build import is_generated, unbuilt


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Compare the identities of the objects that a directory declares, as they are after its namespaces and prefixes."""
    for kustomization, _, build in unbuilt(cluster, manifests):
        twice = _twice(build)
        if twice:
            first, second = twice[0]
            here, there = first.at("metadata.name"), second.at("metadata.name")
            places = f": {here} and {there}" if here != there else f": {there} is reached in two ways"
            more = f", and so are {len(twice) - 1} more objects" if len(twice) > 1 else ""
            yield Problem(
                kustomization.ref,
                {"id": str(second.ref), "places": places + more},
                field="metadata.name",
                location=there,
                key=str(second.ref),
                shared=f"{manifests.source(kustomization)} {second.ref} {here} {there}",
            )


def _twice(build: Build) -> list[tuple[Resource, Resource]]:
    renames = any(body.text("namespace") for body in build.kustomizations)
    seen: dict[tuple[str, str, str, str], Resource] = {}
    found = []
    for resource in build.objects:
        # A generator may merge into an object or replace it; `namespace:` gives its own name to a Namespace.
        named = resource.kind and resource.name and not (resource.kind == "Namespace" and renames)
        if named and not is_generated(resource):
            identity = (resource.api_version, resource.kind, resource.namespace or "default", resource.name)
            first = seen.setdefault(identity, resource)
            if first is not resource:
                found.append((first, resource))
    return found
