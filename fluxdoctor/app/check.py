"""Check a repository before it is deployed: its files in, one Report for all of its clusters out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from fluxdoctor import merge as merging
from fluxdoctor import rule
from fluxdoctor.app.diagnose import ALL_RULES, RuleOptions, diagnose
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

#: The rules that are reported, as notes, for files that no cluster reaches.
_NOTES = (
    "kustomize/resource-missing", "kustomize/component-missing", "kustomize/path-not-found",
    "kustomize/base-without-kustomization", "kustomize/manifest-yaml-invalid", "kustomize/kustomization-invalid",
)  # fmt: skip
_NO_CLUSTER = (
    "no cluster begins here: no gotk-sync.yaml, FluxInstance or Flux Kustomization that applies a folder of this "
    "repository was found; if another repository applies this folder, check that repository"
)

_FOREIGN = "what a Kustomization applies from another repository was not checked"


class UnknownClusterError(Exception):
    """The repository does not have the requested cluster; the text names the clusters that it has."""


@dataclass(frozen=True)
class CheckOptions:
    """What to check, and how."""

    rules: RuleOptions = ALL_RULES
    """Which rules count."""
    clusters: Sequence[str] = ()
    """Paths: only the clusters that begin there; all clusters if empty."""
    cache: Path | None = None
    """The folder that keeps builds for the next run; none are kept without it."""
    live: Callable[[Sequence[Ref]], Snapshot] | None = None
    """Reads the live cluster, these objects too, to answer what the repository cannot. For exactly one cluster."""
    target: Target | None = None
    """The versions that an upgrade goes to."""
    policy: Policy | None = None
    """What is ignored in the repository; nothing without it."""
    before: Repository | None = None
    """The repository before a change: only what the change makes worse is reported."""
    policy_before: Policy | None = None
    """What was ignored before the change."""
    deadline: Deadline | None = None
    """When the builds must be done."""
    on_snapshot: Callable[[Snapshot], object] | None = None
    """Called with the facts of each cluster, for example to draw them."""
    probes: ProbeContext | None = None
    """The means to ask chart repositories which versions they offer; they are not asked without it."""


_DEFAULT = CheckOptions()


@uncollected()
def check(repository: Repository, catalogue: Catalogue | None = None, options: CheckOptions = _DEFAULT) -> Report:
    """Follow a repository from each of its entry points, run the rules for each cluster, and merge their findings.

    Without a catalogue, the installed rules run. Raises UnknownClusterError, and DeadlineError if the deadline passes
    before everything is built.
    """
    catalogue = catalogue or rule.installed()
    facts = collect.collect(repository, options.cache, options.deadline)
    selected = select_clusters(facts, repository, options)
    live = options.live(live_lookup.asked(facts.snapshots[selected[0]])) if options.live else None
    if options.before is None:
        return _Run(facts, selected, repository, catalogue, options, live).report()
    facts_before = collect.collect(options.before, options.cache, options.deadline)
    facts = _with_removals(facts, selected, facts_before)
    names = {facts.snapshots[i].name for i in selected}
    same = [i for i, s in enumerate(facts_before.snapshots) if not live or s.name in names]
    options_before = replace(options, policy=options.policy_before, on_snapshot=None)
    before = _Run(facts_before, same, options.before, catalogue, options_before, live).report()
    after = _Run(facts, selected, repository, catalogue, options, live).report()
    return merging.without(after, merging.identities(before))


def select_clusters(facts: RepositoryFacts, repository: Repository, options: CheckOptions) -> list[int]:
    """Return the indexes of the clusters to check. Raises UnknownClusterError."""
    selected = [
        i for i in range(len(facts.snapshots)) if _is_selected(facts, i, options.clusters, repository.focus)
    ]  # fmt: skip
    names = ", ".join(s.name for s in facts.snapshots) or "none"
    if options.clusters and not selected:
        raise UnknownClusterError(
            f"no cluster begins at {', '.join(options.clusters)}; clusters of {repository.name}: {names}"
        )
    if options.live and len(selected) != 1:
        raise UnknownClusterError(
            f"a live cluster can only be compared with one cluster; select one with --cluster: {names}"
        )
    return selected


def _is_selected(facts: RepositoryFacts, index: int, clusters: Sequence[str], focus: str) -> bool:
    name, file = facts.snapshots[index].name, facts.entries[index].file
    paths = [c.strip("/").removeprefix("./") or "." for c in clusters]
    if paths:
        return any(path == name or file.startswith(f"{path}/") for path in paths)
    return not focus or name == focus or name.startswith(f"{focus}/") or file.startswith(f"{focus}/")


def _with_removals(facts: RepositoryFacts, selected: Sequence[int], before: RepositoryFacts) -> RepositoryFacts:
    """Add what the change removes from each cluster."""
    earlier = {reached.entry.name: reached for reached in before.reached}
    by_index = {
        i: removals.between(earlier[name], facts.reached[i])
        for i in selected
        if (name := facts.reached[i].entry.name) in earlier
    }
    return replace(facts, snapshots=tuple(replace(s, removals=by_index.get(i)) for i, s in enumerate(facts.snapshots)))


@dataclass(frozen=True)
class _Run:
    """The rules over one state of a repository."""

    facts: RepositoryFacts
    selected: Sequence[int]
    """The indexes of the clusters to check."""
    repository: Repository
    catalogue: Catalogue
    options: CheckOptions
    live: Snapshot | None
    """What the live cluster contains, to answer what the repository cannot."""

    @property
    def all_clusters(self) -> bool:
        return not self.options.clusters

    @property
    def places(self) -> Mapping[str, Callable[[str], str]]:
        """By cluster, the function that turns a path of its artifact into a path of the repository."""
        return {self.facts.snapshots[i].name: collect.place(self.facts.reached[i]) for i in self.selected}

    def report(self) -> Report:
        snapshots, offline = self.snapshots()
        if self.options.on_snapshot:
            for snapshot in snapshots:
                self.options.on_snapshot(snapshot)
        reports = self.apply_policy(self.run_clusters(snapshots), snapshots)
        if self.facts.leftover and self.all_clusters:
            reports.append(self.notes(self.facts.leftover))
        self.facts.keep()
        return self.merge(reports, self.skipped(offline))

    def snapshots(self) -> tuple[list[Snapshot], list[Skipped]]:
        """Return the facts of each cluster, and what the chart repositories did not answer."""
        snapshots = [self.facts.snapshots[i] for i in self.selected]
        if self.live:
            snapshots = [live_lookup.join(snapshot, self.live) for snapshot in snapshots]
        snapshots = [replace(snapshot, target=self.options.target) for snapshot in snapshots]
        return _online(snapshots, self.options.probes) if self.options.probes else (snapshots, [])

    def run_clusters(self, snapshots: Sequence[Snapshot]) -> list[Report]:
        reports = [diagnose(snapshot, self.catalogue, self.options.rules) for snapshot in snapshots]
        return [_unbuilt(report, self.facts.reached[i]) for report, i in zip(reports, self.selected, strict=True)]

    def apply_policy(self, reports: Sequence[Report], snapshots: Sequence[Snapshot]) -> list[Report]:
        policy, places = self.options.policy, self.places
        if policy is None:
            return list(reports)
        pairs = zip(reports, snapshots, strict=True)
        return [policy.hide(report, snapshot, places[snapshot.name]) for report, snapshot in pairs]

    def notes(self, leftover: Snapshot) -> Report:
        """Return the faults of files that no cluster reaches: as notes, and without gaps or counts."""
        rules = replace(self.options.rules, only=self.options.rules.only or _NOTES)
        report = diagnose(leftover, self.catalogue, rules)
        notes = tuple(f for f in report.findings if f.rule in _NOTES)
        report = replace(report, findings=notes, skipped=(), objects=0, not_ready=0, deselected=0)
        report = self.options.policy.hide(report, leftover) if self.options.policy else report
        return replace(report, findings=tuple(replace(f, severity=Severity.INFO) for f in report.findings))

    def skipped(self, offline: Sequence[Skipped]) -> list[Skipped]:
        """Return what was not checked for reasons that no single cluster's report has."""
        skipped = [] if self.selected else [Skipped("", None, _NO_CLUSTER)]
        skipped += [*offline, *map(Skipped.of_gap, self.facts.gaps)]
        foreign = [ref for i in self.selected for ref in sorted(self.facts.reached[i].foreign)]
        skipped += [Skipped("", ref, _FOREIGN, asked=False) for ref in foreign]
        if self.live:
            snapshots = [self.facts.snapshots[i] for i in self.selected]
            hidden = dict.fromkeys(gap for s in snapshots for gap in live_lookup.hidden(s, self.live))
            skipped += [Skipped.of_gap(g, subject=g.scope if isinstance(g.scope, Ref) else None) for g in hidden]
        return skipped

    def merge(self, reports: Sequence[Report], skipped: Sequence[Skipped]) -> Report:
        name, policy = self.repository.name, self.options.policy
        if not reports:
            now = datetime.now(UTC).replace(microsecond=0)
            return Report("check", now, (), tuple(skipped), 0, 0, 0, name=name)
        report = merging.merge(reports, name, self.places)
        # A repository never contains everything, and that makes no report incomplete; gaps of a live cluster do.
        unknowns = [s if self.live or s.subject is None else replace(s, asked=False) for s in report.skipped]
        report = replace(report, skipped=tuple(dict.fromkeys((*unknowns, *skipped))))
        if policy is None:
            return report
        rules, whole = self.options.rules, self.all_clusters and not self.repository.focus
        return policy.finish(report, self.catalogue, only=rules.only, ignore=rules.ignore, whole=whole)


def _online(snapshots: list[Snapshot], probes: ProbeContext) -> tuple[list[Snapshot], list[Skipped]]:
    from fluxdoctor.repository.facts import online  # imports everything that talks to a registry

    return online.ask(snapshots, probes)


def _unbuilt(report: Report, reached: ClusterContents) -> Report:
    """Lower the findings about objects that a build, which was not made, may change to notes.

    The Kustomization where the cluster begins is known for sure: that its build fails is no note.
    """
    unsure = reached.raw - {reached.entry.kustomization.ref}
    findings = tuple(replace(f, severity=Severity.INFO) if f.subject in unsure else f for f in report.findings)
    return replace(report, findings=findings)
