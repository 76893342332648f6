"""Directories that a kustomization file lists in the wrong field: components under resources, or the reverse."""

import posixpath
from collections.abc import Iterator

from fluxdoctor import Build, Cluster, Location, ManifestEntry, Manifests, Problem, Resource, clean, is_remote
from fluxdoctor_rules.kustomize._build import spec_components, unbuilt


def problems(cluster: Cluster, manifests: Manifests, fields: tuple[str, ...], *, component: bool) -> Iterator[Problem]:
    """Yield a problem for each directory in these fields that is a Component (``component``), or that is not."""
    for kustomization, _, build in unbuilt(cluster, manifests):
        source = manifests.source(kustomization)
        kinds = {posixpath.dirname(body.file): body.text("kind") for body in build.kustomizations}
        for entry in _entries(kustomization, build, fields):
            has_kind = entry.path in kinds and not is_remote(entry.text)
            if has_kind and (kinds[entry.path] == "Component") is component:
                location = entry.location if entry.location.line else None
                key = f"{entry.location.file} {entry.text}"
                yield Problem(
                    kustomization.ref,
                    {"where": str(location or entry.field), "entry": entry.text},
                    field=entry.field,
                    location=location,
                    key=key,
                    shared=f"{source} {key}",
                )


def _entries(kustomization: Resource, build: Build, fields: tuple[str, ...]) -> Iterator[ManifestEntry]:
    for body in build.kustomizations:
        for field in fields:
            for i, text in enumerate(body.strings(field)):
                path = clean(posixpath.join(posixpath.dirname(body.file), text))
                yield ManifestEntry(field, text, body.at((field, i)) or Location(body.file), path)
    if "components" in fields:
        yield from spec_components(kustomization)
