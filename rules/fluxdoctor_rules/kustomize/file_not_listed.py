"""A manifest that lies beside a kustomization file, and that no kustomization file names."""

import posixpath
from collections.abc import Iterator
from typing import Any

from fluxdoctor import (
    FILE_NAMES,
    Build,
    Cluster,
    Evidence,
    Manifests,
    Problem,
    Ref,
    Resource,
    State,
    Tree,
    clean,
    state,
)

_SHOWN = 5
_LEFT = ("example", "sample", "disabled", "template", "backup", ".bak", "test")


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Compare the files of each directory that is built with what all kustomization files of the source name."""
    named: dict[Ref, frozenset[str]] = {}
    held: dict[Ref, dict[str, list[str]]] = {}
    spoken: set[tuple[Ref, str]] = set()
    read = _read(cluster, manifests)
    for kustomization in cluster.all("Kustomization"):
        source, tree, build = (
            manifests.source(kustomization),
            manifests.tree(kustomization),
            manifests.build(kustomization),
        )
        if tree is None or build is None or state(kustomization) is State.SUSPENDED:
            continue
        if source not in named:
            named[source] = tree.once("named in kustomization files", _named) | read.get(source, frozenset())
            held[source] = tree.once("manifests by directory", _by_directory)
        files = [f for f in _beside(held[source], build) if f not in named[source] and (source, f) not in spoken]
        found = [(f, refs) for f in files if (refs := _objects(tree, f, manifests))]
        spoken.update((source, f) for f, _ in found)
        if found:
            yield _problem(kustomization, tree, found)


def _read(cluster: Cluster, manifests: Manifests) -> dict[Ref, frozenset[str]]:
    """Collect the files that any Kustomization builds, by source."""
    found: dict[Ref, set[str]] = {}
    for kustomization in cluster.all("Kustomization"):
        if build := manifests.build(kustomization):
            found.setdefault(manifests.source(kustomization), set()).update(build.files)
    return {source: frozenset(files) for source, files in found.items()}


def _named(tree: Tree) -> frozenset[str]:
    """Return every path that a kustomization file of the tree may mean: each text in it, and each half of key=file."""
    return frozenset(_paths(tree))


def _paths(tree: Tree) -> Iterator[str]:
    for file in tree.paths:
        directory, name = posixpath.split(file)
        if name in FILE_NAMES:
            yield file
            for document in tree.parsed(file).documents:
                for text in _texts(document.body):
                    yield from (clean(posixpath.join(directory, part)) for part in (text, *text.split("=")))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _by_directory(tree: Tree) -> dict[str, list[str]]:
    """Group the YAML files that may be meant to be applied."""
    found: dict[str, list[str]] = {}
    for file in tree.paths:
        directory, name = posixpath.split(file)
        plain = file.endswith((".yaml", ".yml")) and not name.startswith((".", "_")) and file not in tree.excluded
        if plain and not any(w in name.lower() for w in _LEFT):
            found.setdefault(directory, []).append(file)
    return found


def _beside(held: dict[str, list[str]], build: Build) -> Iterator[str]:
    for directory in dict.fromkeys(posixpath.dirname(body.file) for body in build.kustomizations):
        yield from held.get(directory, ())


def _objects(tree: Tree, file: str, manifests: Manifests) -> tuple[Ref, ...]:
    """Return what a file declares, where all of it is Kubernetes objects that nothing else declares (a patch would)."""
    parsed = tree.parsed(file)
    if parsed.flaw or not parsed.documents:
        return ()
    refs = tuple(d.ref for d in parsed.documents if _is_manifest(d))
    known = any(manifests.producers(ref) for ref in refs)
    return refs if len(refs) == len(parsed.documents) and not known else ()


def _is_manifest(document: Resource) -> bool:
    own = document.group != "kustomize.config.k8s.io"
    return own and bool(document.api_version and document.text("kind") and document.text("metadata.name"))


def _problem(kustomization: Resource, tree: Tree, found: list[tuple[str, tuple[Ref, ...]]]) -> Problem:
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    files = ", ".join(f"{file} ({refs[0]})" for file, refs in found[:_SHOWN])
    first = found[0][0]
    place = tree.parsed(first).documents[0].at()
    proof = Evidence(f"{first} is in no kustomization.yaml of the source", str(place))
    facts = {"files": files + more}
    return Problem(kustomization.ref, facts, evidence=(proof,), field="spec.path", location=place, key="files")
