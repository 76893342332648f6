"""Directories that a kustomization file lists in the wrong field: a component is no resource, and a resource no component."""

import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from fluxdoctor import Build, Cluster, Location, Manifests, Problem, Resource, clean, is_remote

from ._build import unbuilt


class Listed(NamedTuple):
    """An entry that leads to a directory with a kustomization file of its own."""

    field: str
    text: str
    file: str
    """What lists it."""
    location: Location | None
    kind: str
    """What it leads to, "" where its file does not say."""


def problems(cluster: Cluster, manifests: Manifests, fields: tuple[str, ...], *, component: bool) -> Iterator[Problem]:
    """Yield a problem for each directory in these fields that is a component, or that is none."""
    for kustomization, _, build in unbuilt(cluster, manifests):
        source = manifests.source(kustomization)
        for one in _listed(kustomization, build, fields):
            if (one.kind == "Component") is component:
                yield Problem(
                    kustomization.ref,
                    {"where": str(one.location or one.field), "entry": one.text},
                    field=one.field,
                    location=one.location,
                    key=f"{one.file} {one.text}",
                    shared=f"{source} {one.file} {one.text}",
                )


def _listed(kustomization: Resource, build: Build, fields: tuple[str, ...]) -> Iterator[Listed]:
    kinds = {posixpath.dirname(body.file): body.text("kind") for body in build.kustomizations}
    entries = [
        (field, text, posixpath.dirname(body.file), body.file, body.at((field, number)))
        for body in build.kustomizations
        for field in fields
        for number, text in enumerate(body.strings(field))
    ]
    if "components" in fields:
        folder = clean(kustomization.text("spec.path"))
        own = enumerate(kustomization.strings("spec.components"))
        entries += [(f"spec.components[{i}]", text, folder, folder, None) for i, text in own]
    for field, text, folder, file, location in entries:
        path = clean(posixpath.join(folder, text))
        if path in kinds and not is_remote(text):
            yield Listed(field, text, file, location, kinds[path])
