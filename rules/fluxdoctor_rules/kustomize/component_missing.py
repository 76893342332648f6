"""A component of spec.components or of a kustomization.yaml does not exist in the source."""

import posixpath
from collections.abc import Iterator

from fluxdoctor import Build, Cluster, ManifestEntry, Manifests, Problem, Ref, Resource, Tree, is_remote, suggestion
from fluxdoctor_rules.kustomize._build import nearest, spec_components, unbuilt


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Look up every component in the files of the source."""
    for kustomization, tree, build in unbuilt(cluster, manifests):
        for entry in (*_of_files(build), *_absent(kustomization, tree)):
            yield _problem(kustomization.ref, tree, entry, manifests.source(kustomization))


def _of_files(build: Build) -> Iterator[ManifestEntry]:
    yield from (entry for entry in build.missing if entry.field == "components" and not is_remote(entry.text))


def _absent(kustomization: Resource, tree: Tree) -> Iterator[ManifestEntry]:
    """Yield the entries of spec.components that are not in the tree."""
    if not kustomization.flag("spec.ignoreMissingComponents"):
        entries = spec_components(kustomization)
        yield from (e for e in entries if not is_remote(e.text) and not tree.is_directory(e.path))


def _problem(subject: Ref, tree: Tree, entry: ManifestEntry, source: Ref) -> Problem:
    similar = nearest(tree, entry.path, posixpath.dirname(entry.location.file))
    location = entry.location if entry.location.line else None
    facts: dict[str, str | Ref] = {
        "where": str(location or "spec.components"),
        "entry": entry.text,
        "source": source,
        "hint": suggestion((similar,) if similar else ()),
        "instead": f" to {similar}" if similar else "",
    }
    return Problem(subject, facts, field=entry.field, location=location, key=entry.text)
