"""A kustomization.yaml lists a file or a directory that is not in the source."""

import posixpath
from collections.abc import Iterator

from fluxdoctor import (
    Build,
    Cluster,
    Location,
    ManifestEntry,
    Manifests,
    Problem,
    Ref,
    Resource,
    Tree,
    is_remote,
    suggestion,
)
from fluxdoctor_rules.kustomize._build import nearest, unbuilt


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Look up every entry of the kustomization files, and every patch file, in the files of the source."""
    for kustomization, tree, build in unbuilt(cluster, manifests):
        source = manifests.source(kustomization)
        entries = [e for e in build.missing if e.field != "components" and not is_remote(e.text)]
        for entry in (*entries, *_patches(tree, build), *_generators(tree, build)):
            folder = posixpath.dirname(entry.location.file)
            similar = nearest(tree, entry.path, folder)
            facts: dict[str, str | Ref] = {
                "where": str(entry.location),
                "entry": entry.text,
                "source": source,
                "hint": suggestion([similar] if similar else []),
            }
            yield Problem(
                kustomization.ref,
                facts,
                field=entry.field,
                location=entry.location,
                key=f"{entry.location.file} {entry.text}",
                shared=f"{source} {entry.location.file} {entry.text}",
            )


def _patches(tree: Tree, build: Build) -> Iterator[ManifestEntry]:
    """Yield the patch files that do not exist. A patch may also be inline in the kustomization file."""
    for body in build.kustomizations:
        for key in ("patches", "patchesJson6902"):
            for row in body.rows(key):
                if row.text("path"):
                    yield from _absent(tree, body, key, row.text("path"), (*row.path, "path"))
        for i, text in enumerate(body.strings("patchesStrategicMerge")):
            if "\n" not in text and ":" not in text:
                yield from _absent(tree, body, "patchesStrategicMerge", text, ("patchesStrategicMerge", i))


def _generators(tree: Tree, build: Build) -> Iterator[ManifestEntry]:
    """Yield the files of generators that do not exist. An entry may be ``key=path``."""
    for body in build.kustomizations:
        for key in ("configMapGenerator", "secretGenerator"):
            for row in body.rows(key):
                for field in ("files", "envs"):
                    for i, text in enumerate(row.strings(field)):
                        file = text.partition("=")[2] or text
                        yield from _absent(tree, body, key, file, (*row.path, field, i))


def _absent(tree: Tree, body: Resource, key: str, text: str, at: tuple[str | int, ...]) -> Iterator[ManifestEntry]:
    path = posixpath.normpath(posixpath.join(posixpath.dirname(body.file), text))
    if not is_remote(text) and not tree.is_file(path):
        yield ManifestEntry(key, text, body.at(at) or Location(body.file), path)
