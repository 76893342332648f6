"""A repository as Snapshots, one for each of its clusters."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import orjson

from fluxdoctor._version import __version__
from fluxdoctor.collect.net.deadline import Deadline, DeadlineError
from fluxdoctor.intake.tree import tree_of
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.gaps import Gap, GapReason, StepScope
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

_MOSTLY = 0.8


@dataclass(frozen=True)
class RepositoryFacts:
    """The clusters of a repository, and what nothing reaches."""

    snapshots: tuple[Snapshot, ...]
    entries: tuple[EntryPoint, ...]
    reached: tuple[ClusterContents, ...]
    leftover: Snapshot | None = None
    gaps: tuple[Gap, ...] = ()
    keep: Callable[[], None] = lambda: None
    """Keep what was read for the next run: to be called after the rules, for they read more."""


def collect(repository: Repository, cache: Path | None = None, deadline: Deadline | None = None) -> RepositoryFacts:
    """Find the entry points and walk from each. Nothing is fetched, nothing in the repository is changed.

    Raises DeadlineError when a deadline is over before all is built.
    """
    kept = ContentCache(cache, repository.urls or (repository.name,), __version__)
    reading = ManifestReader(repository.files, kept)
    try:
        return _collected(repository, reading, kept, kustomize.Command(kustomize.command(), deadline))
    except (DeadlineError, KeyboardInterrupt):
        _keep(reading, kept)  # the next run goes on from here
        raise


def _collected(
    repository: Repository, reading: ManifestReader, kept: ContentCache, run: kustomize.Command
) -> RepositoryFacts:
    builds = BuildCache(kept, " ".join(run.argv), reading.bodies)
    whole = tree_of(repository.files, None, reading.read)
    found = EntryPoints(
        whole, {p: c for p, c in repository.files.items() if p.endswith((".yaml", ".yml"))}, repository.urls
    )
    workers = max(2, min(8, os.cpu_count() or 2))
    with (
        steps.short_turns(),
        ThreadPoolExecutor(workers, thread_name_prefix="build") as pool,
        Renderers(repository, whole, reading, run, builds) as renderers,
    ):
        reached = steps.together(_walk(entry, renderers, pool, repository) for entry in found.entries())
        files = frozenset(f for r in reached for f in _files(r))
        entries = found.implied(files)
        if any(r.trees for r in reached):  # a cluster beside one that begins here is one whose beginning is elsewhere
            beside = {posixpath.dirname(r.entry.name) for r in reached}
            entries = [e for e in entries if posixpath.dirname(e.name) in beside - {""}]
        entries = entries or ([] if reached else found.parts())
        implied = steps.together(_rooted(entry, renderers, pool, repository) for entry in entries)
        inner = {posixpath.join(r.entry.root, f) for r in (*reached, *implied) for f in r.folders - {_folder(r)}}
        reached += [r for r in implied if r.entry.name not in inner]
        files |= frozenset(f for r in implied for f in _files(r))
        visited = renderers.visited()
    gaps = [
        Gap(StepScope(f"the build of {ref}"), GapReason.TIMEOUT, why) for r in reached for ref, why in r.stopped.items()
    ]
    gaps += [] if run else [Gap(StepScope("kustomize"), GapReason.UNAVAILABLE, kustomize.ABSENT)]
    written = dangling_references.DeclaredNames(found.documents, files)
    snapshots = tuple(_snapshot(r, written, kept) for r in reached)
    left = unreferenced.cluster(whole, visited, [k for k in found.kustomizations if k.file not in files])
    rest = Snapshot(_now(), left[0], left[1], mode="check", name="not applied by a cluster") if left else None
    begun = tuple(r.entry for r in reached)
    return RepositoryFacts(snapshots, begun, tuple(reached), rest, tuple(gaps), partial(_keep, reading, kept))


def _keep(reading: ManifestReader, kept: ContentCache) -> None:
    reading.settle()
    kept.save()


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def place(reached: ClusterContents) -> Callable[[str], str]:
    """Return what turns a path in an artifact of a cluster into a path of the repository."""
    root = reached.entry.root
    return lambda path: posixpath.join(root, reached.places.get(path, path)) if path else path


def _folder(reached: ClusterContents) -> str:
    return clean(reached.entry.kustomization.text("spec.path"))


def _rooted(entry: EntryPoint, renderers: Renderers, pool: Executor, repository: Repository) -> Steps[ClusterContents]:
    """Walk from a folder; where its Kustomizations find their paths only below one folder, that is the artifact's root."""
    first = yield from _walk(entry, renderers, pool, repository)
    missing = [clean(k.text("spec.path")) for k in first.objects.values() if _is_missing(k)]
    if entry.root or not missing:
        return first
    tree = renderers.of(entry).tree
    roots = {d.removesuffix("/" + missing[0]) for d in tree.directories if d.endswith("/" + missing[0])}
    roots = {r for r in roots if entry.name.startswith(r + "/")}
    fits = {r: sum(tree.is_directory(posixpath.join(r, path)) for path in missing) for r in sorted(roots)}
    best = max(fits, key=lambda r: fits[r], default="")
    if not best or fits[best] < _MOSTLY * len(missing) or len(missing) < len(first.folders) - 1:
        return first
    spec = {**entry.kustomization.body["spec"], "path": entry.name.removeprefix(best + "/")}
    body = {**entry.kustomization.body, "spec": spec}
    inside = replace(entry, root=best, kustomization=replace(entry.kustomization, body=body))
    return (yield from _walk(inside, renderers, pool, repository))


def _is_missing(resource: Resource) -> bool:
    return resource.kind == "Kustomization" and resource.text("status.conditions.0.reason") == "ArtifactFailed"


def _walk(entry: EntryPoint, renderers: Renderers, pool: Executor, repository: Repository) -> Steps[ClusterContents]:
    if entry.patches:
        entry = yield from _patched(entry, renderers, pool)
    walk = Traversal(entry, renderers.of(entry), pool, repository.urls, renderers.derived)
    return postbuild.settle((yield from walk.run()))


def _patched(entry: EntryPoint, renderers: Renderers, pool: Executor) -> Steps[EntryPoint]:
    """Return an entry with its objects as flux-operator patches them; as they are where that cannot be built."""
    made = [*entry.objects, entry.kustomization]
    body = {"resources": ["sync.yaml"], "patches": entry.patches}
    files = {"kustomization.yaml": orjson.dumps(body), "sync.yaml": b"\n---\n".join(orjson.dumps(r.body) for r in made)}
    whole = Resource(body={"spec": {"path": "."}}, ref=entry.kustomization.ref)
    rendering = yield from steps.ended(renderers.made(entry.name, files).begin(whole, pool))
    known = {ref: body for document in rendering.documents for ref, body in document.objects(Variables())}
    held = [replace(r, body=known.get(r.ref, r.body)) for r in made]
    return replace(entry, objects=tuple(held[:-1]), kustomization=held[-1])


def _files(reached: ClusterContents) -> Iterator[str]:
    root = reached.entry.root
    yield reached.entry.file
    yield from (f"{root}/{f}" if root else f for f in reached.files)


def _snapshot(reached: ClusterContents, written: dangling_references.DeclaredNames, kept: ContentCache) -> Snapshot:
    missing, unknown = dangling_references.absent(reached, written)
    cluster = Cluster(reached.objects.values(), absent=missing, gaps=unknown)
    return Snapshot(
        taken=_now(),
        cluster=cluster,
        git=GitTrees(reached.trees),
        archives=charts.judged(reached, cluster),
        schemas=schema.flaws(reached, kept),
        overlaps=overlaps.found(reached),
        versions=Versions(versions.found(reached)),
        mode="check",
        name=reached.entry.name,
    )
