"""A component that spec.components or a kustomization.yaml names is not in the source."""

import posixpath
from collections.abc import Iterator

from fluxdoctor import Build, Cluster, Entry, Manifests, Problem, Ref, Resource, Tree, is_remote

from ._build import nearest, spec_components, unbuilt


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Look for every component in the source's tree."""
    for kustomization, tree, build in unbuilt(cluster, manifests):
        for entry in (*_of_files(build), *_absent(kustomization, tree)):
            yield _problem(kustomization.ref, tree, entry, manifests.source(kustomization))


def _of_files(build: Build) -> Iterator[Entry]:
    yield from (entry for entry in build.missing if entry.field == "components" and not is_remote(entry.text))


def _absent(kustomization: Resource, tree: Tree) -> Iterator[Entry]:
    """Yield what spec.components names and the tree lacks."""
    if not kustomization.flag("spec.ignoreMissingComponents"):
        entries = spec_components(kustomization)
        yield from (e for e in entries if not is_remote(e.text) and not tree.is_directory(e.path))


def _problem(subject: Ref, tree: Tree, entry: Entry, source: Ref) -> Problem:
    near = nearest(tree, entry.path, posixpath.dirname(entry.location.file))
    location = entry.location if entry.location.line else None
    facts: dict[str, str | Ref] = {
        "where": str(location or "spec.components"),
        "entry": entry.text,
        "source": source,
        "nearest": f"; the nearest is {near}" if near else "",
        "instead": f", such as {near}" if near else "",
    }
    return Problem(subject, facts, field=entry.field, location=location, key=entry.text)
