"""A repository as Snapshots, one for each of its clusters."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from fluxdoctor.collect import folder
from fluxdoctor.collect.worktree import kustomize, presence, versions
from fluxdoctor.collect.worktree.cache import Cache
from fluxdoctor.collect.worktree.entry import Entry, Found
from fluxdoctor.collect.worktree.render import Renderer
from fluxdoctor.collect.worktree.repository import Repository
from fluxdoctor.collect.worktree.walk import Reached, Walk
from fluxdoctor.model.facts import Cluster, Gap, GitTrees, Tree
from fluxdoctor.model.resource import Resource
from fluxdoctor.model.snapshot import Snapshot, Versions


@dataclass(frozen=True)
class Checked:
    """The clusters of a repository, and what nothing reaches."""

    snapshots: tuple[Snapshot, ...]
    entries: tuple[Entry, ...]
    reached: tuple[Reached, ...]
    unreached: tuple[Resource, ...] = ()
    gaps: tuple[Gap, ...] = ()


def collect(repository: Repository, cache: Path | None = None) -> Checked:
    """Find the entry points and walk from each. Nothing is fetched, nothing in the repository is changed."""
    run = kustomize.command()
    kept = Cache(cache, " ".join(run))
    whole = folder.tree(repository.files, None)
    found = Found(whole, {p: c for p, c in repository.files.items() if p.endswith((".yaml", ".yml"))})
    workers = max(2, min(8, os.cpu_count() or 2))
    with ThreadPoolExecutor(workers, thread_name_prefix="build") as pool, _Renderers(repository, run, kept) as renderers:
        reached = [_walk(entry, renderers, pool, repository) for entry in found.entries()]
        files = frozenset(f for r in reached for f in _files(r))
        if not any(r.entry.kustomization.ref in r.trees or r.trees for r in reached):
            implied = [_walk(entry, renderers, pool, repository) for entry in found.implied(files)]
            reached += implied
            files |= frozenset(f for r in implied for f in _files(r))
    gaps = () if run else (Gap("kustomize", kustomize.ABSENT),)
    snapshots = tuple(_snapshot(r, found, gaps) for r in reached)
    left = tuple(k for k in found.kustomizations if k.file not in files)
    return Checked(snapshots, tuple(r.entry for r in reached), tuple(reached), left, gaps)


class _Renderers:
    """One renderer for each root and each rule of what is ignored."""

    def __init__(self, repository: Repository, run: tuple[str, ...], cache: Cache) -> None:
        self._repository, self._run, self._cache = repository, run, cache
        self._made: dict[tuple[str, str | None], Renderer] = {}

    def __enter__(self) -> _Renderers:
        return self

    def __exit__(self, *_: object) -> None:
        for renderer in self._made.values():
            renderer.close()

    def of(self, entry: Entry) -> Renderer:
        key = (entry.root, entry.ignore)
        if key not in self._made:
            prefix = f"{entry.root}/" if entry.root else ""
            files = {p.removeprefix(prefix): c for p, c in self._repository.files.items() if p.startswith(prefix)}
            tree: Tree = folder.tree(files, entry.ignore)
            kept = {p: c for p, c in files.items() if p not in tree.excluded}
            self._made[key] = Renderer(tree, kept, self._run, self._cache)
        return self._made[key]


def _walk(entry: Entry, renderers: _Renderers, pool: ThreadPoolExecutor, repository: Repository) -> Reached:
    return Walk(entry, renderers.of(entry), pool, repository.urls).run()


def _files(reached: Reached) -> Iterator[str]:
    root = reached.entry.root
    yield reached.entry.file
    yield from (f"{root}/{f}" if root else f for f in reached.files)


def _snapshot(reached: Reached, found: Found, gaps: tuple[Gap, ...]) -> Snapshot:
    missing, unknown = presence.absent(reached, found.documents)
    cluster = Cluster(reached.objects.values(), absent=missing, gaps=unknown)
    return Snapshot(
        taken=datetime.now(UTC).replace(microsecond=0),
        cluster=cluster,
        git=GitTrees(reached.trees),
        versions=Versions(versions.found(reached)),
        gaps=gaps,
        mode="check",
        name=reached.entry.name,
    )


def renamed(snapshot: Snapshot, name: str) -> Snapshot:
    """Return the snapshot under another name."""
    return replace(snapshot, name=name)
