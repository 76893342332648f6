"""Turns a repository into Snapshots, one for each of its clusters."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath

import orjson

from fluxdoctor._version import __version__
from fluxdoctor.collect.net.deadline import Deadline, DeadlineError
from fluxdoctor.intake.tree import tree_of
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.gaps import FileScope, Gap, GapReason, StepScope
from fluxdoctor.model.resource import Resource
from fluxdoctor.model.snapshot import Snapshot, Versions
from fluxdoctor.model.tree import GitTrees, clean
from fluxdoctor.repository.build import kustomize
from fluxdoctor.repository.build.cache import BuildCache
from fluxdoctor.repository.build.substitute import Variables
from fluxdoctor.repository.facts import charts, dangling_references, overlaps, schema, unreferenced
from fluxdoctor.repository.files.content_cache import ContentCache
from fluxdoctor.repository.files.manifest_reader import ManifestReader
from fluxdoctor.repository.files.repository import Repository
from fluxdoctor.repository.follow import postbuild, steps, versions
from fluxdoctor.repository.follow.cluster_contents import ClusterContents
from fluxdoctor.repository.follow.discovery import EntryPoint, EntryPoints
from fluxdoctor.repository.follow.renderers import Renderers
from fluxdoctor.repository.follow.steps import Steps
from fluxdoctor.repository.follow.traversal import Traversal

#: The share of the missing paths that must exist below one folder to make it the artifact root.
_ROOT_SHARE = 0.8
_MANIFESTS = (".yaml", ".yml", ".json", "/kustomization", "/Kustomization")


@dataclass(frozen=True)
class RepositoryFacts:
    """The clusters of a repository, and the files that no cluster reaches."""

    snapshots: tuple[Snapshot, ...]
    entries: tuple[EntryPoint, ...]
    reached: tuple[ClusterContents, ...]
    leftover: Snapshot | None = None
    """The folders and Kustomizations that no cluster reaches, as they are written."""
    gaps: tuple[Gap, ...] = ()
    keep: Callable[[], None] = lambda: None
    """Saves the cache. Call it after the rules have run, because they parse more files."""


def collect(repository: Repository, cache: Path | None = None, deadline: Deadline | None = None) -> RepositoryFacts:
    """Find the entry points and follow each. Nothing is fetched, and nothing in the repository changes.

    ``cache``: the folder of the cache. Raises DeadlineError if the deadline passes before everything is built.
    """
    content_cache = ContentCache(cache, repository.urls or (repository.name,), __version__)
    reader = ManifestReader(repository.files, content_cache)
    try:
        return _collect(repository, reader, content_cache, kustomize.Command(kustomize.command(), deadline))
    except (DeadlineError, KeyboardInterrupt):
        _save(reader, content_cache)  # the next run continues from here
        raise


def _collect(
    repository: Repository, reader: ManifestReader, cache: ContentCache, command: kustomize.Command
) -> RepositoryFacts:
    builds = BuildCache(cache, " ".join(command.argv), reader.bodies)
    tree = tree_of(repository.files, None, reader.read)
    yaml_files = {p: c for p, c in repository.files.items() if p.endswith((".yaml", ".yml"))}
    entry_points = EntryPoints(tree, yaml_files, repository.urls)
    workers = max(2, min(8, os.cpu_count() or 2))
    with (
        steps.short_switch_interval(),
        ThreadPoolExecutor(workers, thread_name_prefix="build") as pool,
        Renderers(repository, tree, reader, command, builds) as renderers,
    ):
        clusters = steps.run_all(_follow(entry, renderers, pool, repository) for entry in entry_points.declared())
        files = frozenset(f for c in clusters for f in _files(c))
        entries = entry_points.implied(files)
        if any(
            c.trees for c in clusters
        ):  # beside a declared cluster, another cluster may have its entry point elsewhere
            parents = {posixpath.dirname(c.entry.name) for c in clusters}
            entries = [e for e in entries if posixpath.dirname(e.name) in parents - {""}]
        entries = entries or ([] if clusters else entry_points.standalone())
        implied = steps.run_all(_follow_implied(entry, renderers, pool, repository) for entry in entries)
        inner = {posixpath.join(c.entry.root, f) for c in (*clusters, *implied) for f in c.folders - {_entry_folder(c)}}
        clusters += [c for c in implied if c.entry.name not in inner]
        files |= frozenset(f for c in implied for f in _files(c))
        visited = renderers.visited_folders()
    gaps = list(dict.fromkeys(gap for c in clusters for gap in c.gaps))
    gaps += _unread(repository, clusters, visited)
    gaps += [] if command else [Gap(StepScope("kustomize"), GapReason.UNAVAILABLE, kustomize.ABSENT)]
    names = dangling_references.DeclaredNames(entry_points.documents, files)
    snapshots = tuple(_snapshot(c, names, cache) for c in clusters)
    unapplied = [k for k in entry_points.kustomizations if k.file not in files]
    rest = unreferenced.cluster(tree, visited, unapplied)
    leftover = Snapshot(_now(), rest[0], rest[1], mode="check", name="not applied by a cluster") if rest else None
    entries = [c.entry for c in clusters]
    save = partial(_save, reader, cache)
    return RepositoryFacts(snapshots, tuple(entries), tuple(clusters), leftover, tuple(gaps), save)


def _unread(repository: Repository, clusters: Sequence[ClusterContents], visited: Collection[str]) -> list[Gap]:
    """Return the manifests that were not read, in the folders that clusters build or beside what their builds read."""
    built = {posixpath.normpath(posixpath.join(c.entry.root, folder)) for c in clusters for folder in c.folders}
    visited = {*visited, *(posixpath.dirname(f) for c in clusters for f in _files(c))}
    paths = {gap: gap.scope.path for gap in repository.gaps if isinstance(gap.scope, FileScope)}
    return [
        gap
        for gap, path in paths.items()
        if path.endswith(_MANIFESTS)
        and (posixpath.dirname(path) in visited or not built.isdisjoint(map(str, PurePosixPath(path).parents)))
    ]


def _save(reader: ManifestReader, cache: ContentCache) -> None:
    reader.drop_secret_sources()
    cache.save()


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def place(contents: ClusterContents) -> Callable[[str], str]:
    """Return a function that turns a path in an artifact of a cluster into a path of the repository."""
    root = contents.entry.root
    return lambda path: posixpath.join(root, contents.source_paths.get(path, path)) if path else path


def _entry_folder(contents: ClusterContents) -> str:
    return clean(contents.entry.kustomization.text("spec.path"))


def _follow_implied(
    entry: EntryPoint, renderers: Renderers, pool: Executor, repository: Repository
) -> Steps[ClusterContents]:
    """Follow an implied entry point.

    If the paths of its Kustomizations exist only below one folder, that is the root of the artifact: follow it again from there.
    """
    contents = yield from _follow(entry, renderers, pool, repository)
    missing = [clean(k.text("spec.path")) for k in contents.objects.values() if _has_missing_path(k)]
    if entry.root or not missing:
        return contents
    tree = renderers.for_entry(entry).tree
    roots = {d.removesuffix("/" + missing[0]) for d in tree.directories if d.endswith("/" + missing[0])}
    roots = {r for r in roots if entry.name.startswith(r + "/")}
    counts = {r: sum(tree.is_directory(posixpath.join(r, path)) for path in missing) for r in sorted(roots)}
    root = max(counts, key=lambda r: counts[r], default="")
    if not root or counts[root] < _ROOT_SHARE * len(missing) or len(missing) < len(contents.folders) - 1:
        return contents
    spec = {**entry.kustomization.body["spec"], "path": entry.name.removeprefix(root + "/")}
    body = {**entry.kustomization.body, "spec": spec}
    inner = replace(entry, root=root, kustomization=replace(entry.kustomization, body=body))
    return (yield from _follow(inner, renderers, pool, repository))


def _has_missing_path(resource: Resource) -> bool:
    return resource.kind == "Kustomization" and resource.text("status.conditions.0.reason") == "ArtifactFailed"


def _follow(entry: EntryPoint, renderers: Renderers, pool: Executor, repository: Repository) -> Steps[ClusterContents]:
    if entry.patches:
        entry = yield from _patch(entry, renderers, pool)
    traversal = Traversal(entry, renderers.for_entry(entry), pool, repository.urls, renderers.for_derived)
    return postbuild.apply_faults((yield from traversal.run()))


def _patch(entry: EntryPoint, renderers: Renderers, pool: Executor) -> Steps[EntryPoint]:
    """Return an entry point with its objects as flux-operator patches them, or unchanged if that cannot be built."""
    resources = [*entry.objects, entry.kustomization]
    kustomization_file = {"resources": ["sync.yaml"], "patches": entry.patches}
    sync = b"\n---\n".join(orjson.dumps(r.body) for r in resources)
    files = {"kustomization.yaml": orjson.dumps(kustomization_file), "sync.yaml": sync}
    root = Resource(body={"spec": {"path": "."}}, ref=entry.kustomization.ref)
    rendering = yield from steps.result_of(renderers.for_files(entry.name, files).start(root, pool))
    bodies = {ref: body for document in rendering.documents for ref, body in document.objects(Variables())}
    patched = [replace(r, body=bodies.get(r.ref, r.body)) for r in resources]
    return replace(entry, objects=tuple(patched[:-1]), kustomization=patched[-1])


def _files(contents: ClusterContents) -> Iterator[str]:
    root = contents.entry.root
    yield contents.entry.file
    yield from (f"{root}/{f}" if root else f for f in contents.files)


def _snapshot(contents: ClusterContents, names: dangling_references.DeclaredNames, cache: ContentCache) -> Snapshot:
    absent, gaps = dangling_references.find(contents, names)
    cluster = Cluster(contents.objects.values(), absent=absent, gaps=gaps)
    schemas, schema_gaps = schema.judge(contents, cache)
    return Snapshot(
        taken=_now(),
        cluster=cluster,
        git=GitTrees(contents.trees),
        archives=charts.verdicts_of(contents, cluster),
        schemas=schemas,
        gaps=schema_gaps,
        overlaps=overlaps.find(contents),
        versions=Versions(versions.find(contents)),
        mode="check",
        name=contents.entry.name,
    )
