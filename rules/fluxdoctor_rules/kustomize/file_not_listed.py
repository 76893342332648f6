"""A manifest next to a kustomization file that no kustomization file lists."""

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
    Tree,
    clean,
)

_MOST = 5
#: Words in the names of files that are not listed on purpose.
_IGNORED = ("example", "sample", "disabled", "template", "backup", ".bak", "test")


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Compare the files in each directory of a build with the entries of all kustomization files of the source."""
    listed_paths: dict[Ref, frozenset[str]] = {}
    candidates: dict[Ref, dict[str, list[str]]] = {}
    reported: set[tuple[Ref, str]] = set()
    build_files = _build_files(cluster, manifests)
    for kustomization in cluster.active("Kustomization"):
        source, tree, build = (
            manifests.source(kustomization),
            manifests.tree(kustomization),
            manifests.build(kustomization),
        )
        if tree is None or build is None:
            continue
        if source not in listed_paths:
            listed = tree.memo(_listed_paths)
            listed_paths[source] = listed | build_files.get(source, frozenset())
            candidates[source] = tree.memo(_by_directory)
        files = [f for f in _beside(candidates[source], build) if f not in listed_paths[source]]
        unlisted = [(f, refs) for f in files if (source, f) not in reported and (refs := _objects(tree, f, manifests))]
        reported.update((source, f) for f, _ in unlisted)
        if unlisted:
            yield _problem(kustomization, tree, unlisted)


def _build_files(cluster: Cluster, manifests: Manifests) -> dict[Ref, frozenset[str]]:
    """Return the files that the Kustomizations build, by source."""
    by_source: dict[Ref, set[str]] = {}
    for kustomization in cluster.all("Kustomization"):
        if build := manifests.build(kustomization):
            by_source.setdefault(manifests.source(kustomization), set()).update(build.files)
    return {source: frozenset(files) for source, files in by_source.items()}


def _listed_paths(tree: Tree) -> frozenset[str]:
    """Return all possible paths in the kustomization files of a tree: every text, and both parts of key=file."""
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
    """Return the YAML files that can be manifests, by directory."""
    files: dict[str, list[str]] = {}
    for file in tree.paths:
        directory, name = posixpath.split(file)
        is_candidate = (
            file.endswith((".yaml", ".yml")) and not name.startswith((".", "_")) and file not in tree.excluded
        )
        if is_candidate and not any(w in name.lower() for w in _IGNORED):
            files.setdefault(directory, []).append(file)
    return files


def _beside(candidates: dict[str, list[str]], build: Build) -> Iterator[str]:
    for directory in dict.fromkeys(posixpath.dirname(body.file) for body in build.kustomizations):
        yield from candidates.get(directory, ())


def _objects(tree: Tree, file: str, manifests: Manifests) -> tuple[Ref, ...]:
    """Return the objects of a file if all its documents are objects that no other file declares, as a patch would."""
    parsed = tree.parsed(file)
    if parsed.flaw or not parsed.documents:
        return ()
    refs = tuple(d.ref for d in parsed.documents if _is_manifest(d))
    is_declared = any(manifests.producers(ref) for ref in refs)
    return refs if len(refs) == len(parsed.documents) and not is_declared else ()


def _is_manifest(document: Resource) -> bool:
    is_object = document.group != "kustomize.config.k8s.io"
    return is_object and bool(document.api_version and document.text("kind") and document.text("metadata.name"))


def _problem(kustomization: Resource, tree: Tree, unlisted: list[tuple[str, tuple[Ref, ...]]]) -> Problem:
    more = f" and {len(unlisted) - _MOST} more" if len(unlisted) > _MOST else ""
    files = ", ".join(f"{file} ({refs[0]})" for file, refs in unlisted[:_MOST])
    first = unlisted[0][0]
    place = tree.parsed(first).documents[0].at()
    proof = Evidence.file(f"no kustomization.yaml of the source lists {first}", str(place))
    facts = {"files": files + more}
    return Problem(kustomization.ref, facts, evidence=(proof,), field="spec.path", location=place, key="files")
