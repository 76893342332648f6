"""Diagnose one snapshot: facts in, a Report out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fluxdoctor import causes, engine, rule
from fluxdoctor.model.finding import Report, Severity, Skipped
from fluxdoctor.model.flux import KINDS, Edge
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Catalogue


@dataclass(frozen=True)
class RuleOptions:
    """Which rules count: their findings are reported. The other rules run too, so that what they explain stays explained."""

    only: Sequence[str] = ()
    """Globs over rule ids, or areas; all rules if empty."""
    ignore: Sequence[str] = ()
    """Globs over rule ids, or areas, of the rules that do not count."""


ALL_RULES = RuleOptions()


def diagnose(snapshot: Snapshot, catalogue: Catalogue | None = None, options: RuleOptions = ALL_RULES) -> Report:
    """Run the rules over a snapshot and fold their findings to root causes.

    Findings of rules that do not count are left out after folding, so that what they explain is not reported as
    unexplained. Without a catalogue, the installed rules run. Raises RuleError if two packs offer one rule.
    """
    catalogue = catalogue or rule.installed()
    rules = catalogue.rules
    outcome = engine.run(rules, snapshot)
    findings = causes.fold(outcome, snapshot, {r.id: r for r in rules if r.role == "fallback"})
    selected = {r.id for r in engine.select(rules, options.only, options.ignore)}
    skipped = [s for s in outcome.skipped if s.rule in selected]
    return Report(
        mode=snapshot.mode,
        taken=snapshot.taken,
        findings=tuple(f for f in findings if f.rule in selected),
        skipped=tuple(dict.fromkeys((*catalogue.skipped, *_unseen(snapshot), *skipped))),
        objects=len(snapshot.cluster.flux),
        not_ready=len(snapshot.failures.failed),
        rules=sum(r.role != "fallback" and r.id in selected and snapshot.mode in r.modes for r in rules),
        versions=snapshot.versions.found,
        name=snapshot.name,
        deselected=sum(f.rule not in selected for f in findings),
    )


def _unseen(snapshot: Snapshot) -> list[Skipped]:
    """Return what could not be read of what every diagnosis needs: Flux objects, controllers, namespaces and files."""
    if snapshot.mode == "check":  # a repository says nothing about what it does not contain
        return [Skipped("", None, f"{gap.what}: {gap.why}") for gap in snapshot.gaps]
    skipped = [
        Skipped("", None, f"{gap.what}: {gap.why}")
        for gap in snapshot.gaps
        if "/" in gap.what or gap.what in KINDS or gap.what in ("Deployment", "Namespace")
    ]
    skipped += [
        Skipped("", None, f"git/{ref.named}: its files are not in this snapshot") for ref in _missing_trees(snapshot)
    ]
    for kind in KINDS.values():
        crd = Ref("CustomResourceDefinition", "", f"{kind.plural}.{kind.group}")
        has_gap = any(gap.what.partition("/")[0] == kind.name for gap in snapshot.gaps)
        if kind.name not in snapshot.cluster.listed and not has_gap and not snapshot.cluster.look(crd).absent:
            skipped.append(Skipped("", None, f"{kind.name}: not listed"))
    return skipped


def _missing_trees(snapshot: Snapshot) -> list[Ref]:
    """Return the GitRepositories that a Kustomization reads and whose files are missing, if other files are there."""
    if snapshot.git is None or not snapshot.git.trees:
        return []
    gaps = {gap.what for gap in snapshot.gaps}
    sources = {
        edge.target for k in snapshot.cluster.all("Kustomization") for edge in snapshot.graph.needs(k.ref, Edge.SOURCE)
    }
    return sorted(
        ref
        for ref in sources
        if ref.kind == "GitRepository" and snapshot.cluster.get(ref) and snapshot.git.tree(ref) is None
        and f"git/{ref.named}" not in gaps
    )  # fmt: skip


def exit_code(report: Report, fail_on: Severity | None) -> int:
    """Return 1 with a finding at or above ``fail_on``, 3 if there is none but something could not be checked, else 0."""
    if fail_on and any(f.severity.weight <= fail_on.weight for f in report.findings):
        return 1
    is_broken = any(f.severity is not Severity.INFO for f in report.findings)
    return 3 if not is_broken and any(s.asked for s in report.skipped) else 0


def timed(report: Report, timings: dict[str, float]) -> Report:
    """Return the report with the duration of each step, in seconds."""
    return replace(report, timings=timings)
