"""The use case before a deploy: the files of a repository in, one Report for all of its clusters out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from fluxdoctor import merge, rule
from fluxdoctor.collect.worktree import against, collect
from fluxdoctor.collect.worktree.collect import Checked
from fluxdoctor.collect.worktree.repository import Repository
from fluxdoctor.diagnose import diagnose
from fluxdoctor.model.finding import Report, Severity, Skipped
from fluxdoctor.model.snapshot import Snapshot, Target
from fluxdoctor.rule import Catalogue
from fluxdoctor.settings.policy import Policy

#: What is said, as a note, of files that no cluster reaches.
_NOTES = (
    "kustomize/resource-missing", "kustomize/component-missing", "kustomize/path-not-found",
    "kustomize/base-without-kustomization", "kustomize/manifest-yaml-invalid", "kustomize/kustomization-invalid",
)  # fmt: skip
_NO_CLUSTER = (
    "no cluster begins here: no gotk-sync.yaml, FluxInstance or Flux Kustomization that applies a folder of this "
    "repository was found; if another repository applies it, check that one"
)


class UnknownClusterError(Exception):
    """A cluster was asked for that the repository does not have; the text names those that it has."""


def check(  # noqa: PLR0913 - what to check, and how
    repository: Repository,
    catalogue: Catalogue | None = None,
    *,
    only: Sequence[str] = (),
    ignore: Sequence[str] = (),
    clusters: Sequence[str] = (),
    cache: Path | None = None,
    live: Snapshot | None = None,
    target: Target | None = None,
    policy: Policy | None = None,
) -> Report:
    """Walk from every entry point of a repository, run the rules for each cluster, and join what they say.

    ``clusters``: only those that begin at these paths; ``cache``: a folder to keep builds in; ``live``: what the one
    cluster holds now, to answer what the repository cannot; ``target``: what an upgrade goes to;
    ``policy``: what is ignored, nothing without one. Raises UnknownClusterError.
    """
    catalogue = catalogue or rule.installed()
    checked = collect.collect(repository, cache)
    chosen = [i for i in range(len(checked.snapshots)) if _is_chosen(checked, i, clusters, repository.focus)]
    if clusters and not chosen:
        names = ", ".join(s.name for s in checked.snapshots) or "none"
        raise UnknownClusterError(f"no cluster begins at {', '.join(clusters)}; clusters of {repository.name}: {names}")
    if live and len(chosen) != 1:
        names = ", ".join(s.name for s in checked.snapshots) or "none"
        raise UnknownClusterError(
            f"a live cluster is compared with one cluster of the repository: choose it of {names}"
        )
    taken = [against.join(checked.snapshots[i], live) if live else checked.snapshots[i] for i in chosen]
    taken = [replace(snapshot, target=target) for snapshot in taken]
    reports = [diagnose(snapshot, catalogue, only=only, ignore=ignore) for snapshot in taken]
    places = {checked.snapshots[i].name: collect.place(checked.reached[i]) for i in chosen}
    if policy:
        pairs = zip(reports, taken, strict=True)
        reports = [policy.hide(report, snapshot, places[snapshot.name]) for report, snapshot in pairs]
    skipped = [] if chosen else [Skipped("", None, _NO_CLUSTER, asked=False)]
    skipped += [Skipped("", None, f"{gap.what}: {gap.why}") for gap in checked.gaps]
    if checked.leftover and not clusters:
        reports.append(_notes(checked.leftover, catalogue, only, ignore, policy))
    if not reports:
        now = datetime.now(UTC).replace(microsecond=0)
        return Report("check", now, (), tuple(skipped), 0, 0, 0, name=repository.name)
    found = merge.merge(reports, repository.name, places)
    # That a repository does not tell all is its nature, and makes no report incomplete; a live cluster that was asked does.
    told = [s if live or s.subject is None else replace(s, asked=False) for s in found.skipped]
    found = replace(found, skipped=tuple(dict.fromkeys((*told, *skipped))))
    if policy is None:
        return found
    whole = not (clusters or repository.focus)
    return policy.finish(found, catalogue, only=only, ignore=ignore, whole=whole)


def _notes(
    leftover: Snapshot, catalogue: Catalogue, only: Sequence[str], ignore: Sequence[str], policy: Policy | None
) -> Report:
    """What the files say that nothing reaches: notes, and nothing of it is asked for."""
    report = diagnose(leftover, catalogue, only=only, ignore=ignore)
    notes = tuple(f for f in report.findings if f.rule in _NOTES)
    report = replace(report, findings=notes, skipped=(), objects=0, not_ready=0)
    report = policy.hide(report, leftover) if policy else report
    return replace(report, findings=tuple(replace(f, severity=Severity.INFO) for f in report.findings))


def _is_chosen(checked: Checked, index: int, clusters: Sequence[str], focus: str) -> bool:
    name, file = checked.snapshots[index].name, checked.entries[index].file
    wanted = [c.strip("/").removeprefix("./") or "." for c in clusters]
    if wanted:
        return any(w == name or file.startswith(f"{w}/") for w in wanted)
    return not focus or name == focus or name.startswith(f"{focus}/") or file.startswith(f"{focus}/")
