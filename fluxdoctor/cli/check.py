"""The command that diagnoses a repository before it is deployed."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fluxdoctor.collect.worktree.collect import Checked
    from fluxdoctor.collect.worktree.repository import Repository
    from fluxdoctor.model.finding import Report
    from fluxdoctor.model.snapshot import Target
    from fluxdoctor.rule import Catalogue

OPTIONS = (
    click.argument("path", type=click.Path(path_type=Path), default=Path()),
    click.option("--cluster", "clusters", metavar="PATH", multiple=True,
                 help="Only the cluster that begins at this path, as the report names it. All by default."),
    click.option("--changed-since", "since", metavar="REF", default="",
                 help="Only what is worse than at this revision: a branch, a tag or a commit."),
    click.option("--revision", metavar="REF", default="",
                 help="Check this revision, instead of the working tree."),
    click.option("--no-cache", is_flag=True, help="Keep no build in the cache folder, and use none of it."),
)  # fmt: skip


class CheckError(Exception):
    """Why a repository cannot be checked; the text says what to do."""


def report(  # noqa: PLR0913 - what to check, and how
    path: Path, catalogue: Catalogue, only: Sequence[str], ignore: Sequence[str],
    *, clusters: Sequence[str], since: str, revision: str, no_cache: bool, target: Target | None = None,
) -> Report:  # fmt: skip
    """Check a repository, or what a change made worse. Raises CheckError."""
    from fluxdoctor import merge
    from fluxdoctor.collect import cache
    from fluxdoctor.collect.worktree import repository

    started = time.monotonic()
    folder = None if no_cache else cache.folder() / "builds"
    try:
        now = repository.of_revision(path, revision) if revision else repository.of_folder(path)
        before = repository.of_revision(path, since) if since else None
    except repository.RepositoryError as error:
        raise CheckError(str(error)) from None
    found, load = _one(now, folder, clusters, catalogue, only, ignore, target)
    if before is not None:
        known, _ = _one(before, folder, (), catalogue, only, ignore, target)
        found = merge.without(found, {f.fingerprint for f in known.findings})
    from fluxdoctor.diagnose import timed

    return timed(found, {"load": load, "diagnose": time.monotonic() - started - load})


def _one(  # noqa: PLR0913, PLR0917 - one state of the repository
    repository_: Repository, folder: Path | None, clusters: Sequence[str], catalogue: Catalogue,
    only: Sequence[str], ignore: Sequence[str], target: Target | None,
) -> tuple[Report, float]:  # fmt: skip
    from fluxdoctor import diagnose, merge
    from fluxdoctor.collect.worktree import collect
    from fluxdoctor.model.finding import Skipped

    started = time.monotonic()
    checked = collect.collect(repository_, folder)
    load = time.monotonic() - started
    chosen = [
        i for i, s in enumerate(checked.snapshots) if _chosen(s.name, checked.entries[i].file, clusters, repository_)
    ]
    if clusters and not chosen:
        names = ", ".join(s.name for s in checked.snapshots) or "none"
        raise CheckError(f"no cluster begins at {', '.join(clusters)}; clusters of {repository_.name}: {names}")
    if not chosen:
        return _nothing(repository_, checked), load
    asked = [replace(checked.snapshots[i], target=target) for i in chosen]
    reports = [diagnose.diagnose(snapshot, catalogue, only=only, ignore=ignore) for snapshot in asked]
    places = {checked.snapshots[i].name: collect.place(checked.reached[i]) for i in chosen}
    found = merge.merge(reports, repository_.name, places)
    left = [
        Skipped("", None, f"{k.file}: no cluster of this repository applies it", asked=False) for k in checked.unreached
    ]
    return merge.noted(found, tuple(dict.fromkeys(left))), load


def _chosen(name: str, file: str, clusters: Sequence[str], repository_: Repository) -> bool:
    wanted = [c.strip("/").removeprefix("./") or "." for c in clusters]
    if wanted:
        return any(w == name or file.startswith(f"{w}/") for w in wanted)
    focus = repository_.focus
    return not focus or name == focus or name.startswith(f"{focus}/") or file.startswith(f"{focus}/")


def _nothing(repository_: Repository, checked: Checked) -> Report:
    from datetime import UTC, datetime

    from fluxdoctor.model.finding import Report, Skipped

    why = (
        "no cluster begins here: no gotk-sync.yaml, FluxInstance or Flux Kustomization that applies a folder of this "
        "repository was found; if another repository applies it, check that one"
    )
    gaps = [Skipped("", None, f"{g.what}: {g.why}") for g in checked.gaps]
    skipped = (Skipped("", None, why, asked=False), *gaps)
    return Report("check", datetime.now(UTC).replace(microsecond=0), (), skipped, 0, 0, 0, name=repository_.name)


def arguments(options: dict[str, Any]) -> dict[str, Any]:
    """Take this command's own options out of all."""
    return {name: options.pop(name) for name in ("clusters", "since", "revision", "no_cache")}
