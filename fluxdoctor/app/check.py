"""The use case before a deploy: the files of a repository in, one Report for all of its clusters out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from fluxdoctor import merge, rule
from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.garbage import uncollected
from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.collect.probe_context import ProbeContext
from fluxdoctor.model.finding import Report, Severity, Skipped
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot, Target
from fluxdoctor.repository import collect
from fluxdoctor.repository.collect import RepositoryFacts
from fluxdoctor.repository.facts import live_lookup, removals
from fluxdoctor.repository.files.repository import Repository
from fluxdoctor.repository.follow.cluster_contents import ClusterContents
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

_FOREIGN = "what a Kustomization applies from another repository was not looked at"


class UnknownClusterError(Exception):
    """A cluster was asked for that the repository does not have; the text names those that it has."""


@dataclass(frozen=True)
class _Run:
    """What to check, and how."""

    catalogue: Catalogue
    only: Sequence[str]
    ignore: Sequence[str]
    live: Snapshot | None
    target: Target | None
    policy: Policy | None
    partly: bool
    """Only a part of the repository is looked at."""
    seen: Callable[[Snapshot], object] | None
    reach: ProbeContext | None


@uncollected()
def check(  # noqa: PLR0913 - what to check, and how
    repository: Repository,
    catalogue: Catalogue | None = None,
    *,
    only: Sequence[str] = (),
    ignore: Sequence[str] = (),
    clusters: Sequence[str] = (),
    cache: Path | None = None,
    live: Callable[[Sequence[Ref]], Snapshot] | None = None,
    target: Target | None = None,
    policy: Policy | None = None,
    before: Repository | None = None,
    earlier: Policy | None = None,
    deadline: Deadline | None = None,
    seen: Callable[[Snapshot], object] | None = None,
    reach: ProbeContext | None = None,
) -> Report:
    """Walk from every entry point of a repository, run the rules for each cluster, and join what they say.

    ``clusters``: only those that begin at these paths; ``cache``: a folder to keep builds in; ``live``: reads what the one
    cluster holds now, these objects too, to answer what the repository cannot; ``target``: what an upgrade goes to;
    ``policy``: what is ignored, nothing without one; ``before`` and ``earlier``: the repository before a change and what was
    ignored in it: only what the change makes worse is told; ``seen``: is given the facts of each cluster, for whoever draws them;
    ``reach``: asks the chart repositories what they offer. Raises UnknownClusterError, and DeadlineError when a deadline is over
    before all is built.
    """
    checked = collect.collect(repository, cache, deadline)
    chosen = [i for i in range(len(checked.snapshots)) if _is_chosen(checked, i, clusters, repository.focus)]
    names = ", ".join(s.name for s in checked.snapshots) or "none"
    if clusters and not chosen:
        raise UnknownClusterError(f"no cluster begins at {', '.join(clusters)}; clusters of {repository.name}: {names}")
    if live and len(chosen) != 1:
        raise UnknownClusterError(
            f"a live cluster is compared with one cluster of the repository: choose it of {names}"
        )
    held = live(live_lookup.asked(checked.snapshots[chosen[0]])) if live else None
    asked = _Run(catalogue or rule.installed(), only, ignore, held, target, policy, bool(repository.focus), seen, reach)
    if before is None:
        return _report(checked, chosen, not clusters, repository.name, asked)
    was = collect.collect(before, cache, deadline)
    known = {reached.entry.name: reached for reached in was.reached}
    found = {
        i: removals.between(r, checked.reached[i]) for i in chosen if (r := known.get(checked.reached[i].entry.name))
    }
    checked = replace(
        checked, snapshots=tuple(replace(s, removals=found.get(i)) for i, s in enumerate(checked.snapshots))
    )
    same = [i for i, s in enumerate(was.snapshots) if not live or s.name in {checked.snapshots[c].name for c in chosen}]
    old = _report(was, same, not clusters, before.name, replace(asked, policy=earlier, seen=None))
    return merge.without(_report(checked, chosen, not clusters, repository.name, asked), merge.identities(old))


def _report(checked: RepositoryFacts, chosen: Sequence[int], whole: bool, name: str, asked: _Run) -> Report:
    live, policy, chosen_by = asked.live, asked.policy, {"only": asked.only, "ignore": asked.ignore}
    taken = [live_lookup.join(checked.snapshots[i], live) if live else checked.snapshots[i] for i in chosen]
    taken = [replace(snapshot, target=asked.target) for snapshot in taken]
    taken, unseen = _online(taken, asked.reach) if asked.reach else (taken, [])
    if asked.seen:
        for snapshot in taken:
            asked.seen(snapshot)
    reports = [diagnose(snapshot, asked.catalogue, **chosen_by) for snapshot in taken]
    reports = [_unbuilt(report, checked.reached[i]) for report, i in zip(reports, chosen, strict=True)]
    places = {checked.snapshots[i].name: collect.place(checked.reached[i]) for i in chosen}
    if policy:
        pairs = zip(reports, taken, strict=True)
        reports = [policy.hide(report, snapshot, places[snapshot.name]) for report, snapshot in pairs]
    skipped = [] if chosen else [Skipped("", None, _NO_CLUSTER)]
    skipped += [*unseen, *map(Skipped.of_gap, checked.gaps)]
    foreign = [ref for i in chosen for ref in sorted(checked.reached[i].foreign)]
    skipped += [Skipped("", ref, _FOREIGN, asked=False) for ref in foreign]
    if live:
        hidden = [gap for i in chosen for gap in live_lookup.hidden(checked.snapshots[i], live)]
        skipped += [Skipped.of_gap(gap) for gap in dict.fromkeys(hidden)]
    if checked.leftover and whole:
        reports.append(_notes(checked.leftover, asked))
    checked.keep()
    if not reports:
        now = datetime.now(UTC).replace(microsecond=0)
        return Report("check", now, (), tuple(skipped), 0, 0, 0, name=name)
    found = merge.merge(reports, name, places)
    # That a repository does not tell all is its nature, and makes no report incomplete; a live cluster that was asked does.
    told = [s if live or s.subject is None else replace(s, asked=False) for s in found.skipped]
    found = replace(found, skipped=tuple(dict.fromkeys((*told, *skipped))))
    if policy is None:
        return found
    return policy.finish(found, asked.catalogue, **chosen_by, whole=whole and not asked.partly)


def _online(snapshots: list[Snapshot], reach: ProbeContext) -> tuple[list[Snapshot], list[Skipped]]:
    from fluxdoctor.repository.facts import online  # with all that talks to a registry

    return online.ask(snapshots, reach)


def _unbuilt(report: Report, reached: ClusterContents) -> Report:
    """What is said of objects that a build, which was not made, may change: no more than notes.

    Where the cluster begins is known: that its build fails is no note.
    """
    unsure = reached.raw - {reached.entry.kustomization.ref}
    found = tuple(replace(f, severity=Severity.INFO) if f.subject in unsure else f for f in report.findings)
    return replace(report, findings=found)


def _notes(leftover: Snapshot, asked: _Run) -> Report:
    """What the files say that nothing reaches: notes, and nothing of it is asked for."""
    report = diagnose(leftover, asked.catalogue, only=asked.only or _NOTES, ignore=asked.ignore)
    notes = tuple(f for f in report.findings if f.rule in _NOTES)
    report = replace(report, findings=notes, skipped=(), objects=0, not_ready=0)
    report = asked.policy.hide(report, leftover) if asked.policy else report
    return replace(report, findings=tuple(replace(f, severity=Severity.INFO) for f in report.findings))


def _is_chosen(checked: RepositoryFacts, index: int, clusters: Sequence[str], focus: str) -> bool:
    name, file = checked.snapshots[index].name, checked.entries[index].file
    wanted = [c.strip("/").removeprefix("./") or "." for c in clusters]
    if wanted:
        return any(w == name or file.startswith(f"{w}/") for w in wanted)
    return not focus or name == focus or name.startswith(f"{focus}/") or file.startswith(f"{focus}/")
