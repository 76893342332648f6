"""Diagnose one snapshot: facts in, a Report out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from fluxdoctor import causes, engine, rule
from fluxdoctor.intake.credentials import redacted_parts
from fluxdoctor.model.finding import Report, Severity, Skipped
from fluxdoctor.model.flux import KINDS, Edge
from fluxdoctor.model.gaps import FileScope, Gap, GapReason, KindScope, Scope, StepScope
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
    report = Report(
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
    return redacted_parts(report)


def _unseen(snapshot: Snapshot) -> list[Skipped]:
    """Return what could not be read of what every diagnosis needs: Flux objects, controllers, namespaces and files."""
    if snapshot.mode == "check":  # what a repository does not hold was not looked for in a cluster
        return [Skipped.of_gap(gap) for gap in snapshot.gaps]
    needed = [gap for gap in snapshot.gaps if _is_needed(gap.scope)]
    return [Skipped.of_gap(gap) for gap in (*needed, *_missing_trees(snapshot), *_unlisted_kinds(snapshot))]


def _is_needed(scope: Scope) -> bool:
    """Tell whether every diagnosis needs what a gap is about; a rule that needs anything else says so itself."""
    if isinstance(scope, KindScope):
        return bool(scope.namespace) or scope.kind in (*KINDS, "Deployment", "Namespace")
    return not isinstance(scope, StepScope)


def _unlisted_kinds(snapshot: Snapshot) -> Iterator[Gap]:
    """Yield a gap for each Flux kind that is served, was not listed, and has no gap of its own yet."""
    explained = {gap.scope[0] for gap in snapshot.gaps if isinstance(gap.scope, Ref | KindScope)}
    for kind in KINDS.values():
        crd = Ref("CustomResourceDefinition", "", f"{kind.plural}.{kind.group}")
        is_listed = kind.name in snapshot.cluster.listed or kind.name in explained
        if not is_listed and not snapshot.cluster.look(crd).absent:
            yield Gap(KindScope(kind.name), GapReason.NOT_LISTED)


def _missing_trees(snapshot: Snapshot) -> Iterator[Gap]:
    """Yield a gap for each GitRepository that a Kustomization reads and whose files are lacking while others are there."""
    if snapshot.git is None or not snapshot.git.trees:
        return
    explained = {gap.scope for gap in snapshot.gaps}
    sources = {
        edge.target for k in snapshot.cluster.all("Kustomization") for edge in snapshot.graph.needs(k.ref, Edge.SOURCE)
    }
    for ref in sorted(sources):
        folder = FileScope(f"git/{ref.named}")
        is_lacking = snapshot.cluster.get(ref) is not None and snapshot.git.tree(ref) is None
        if ref.kind == "GitRepository" and is_lacking and folder not in explained:
            yield Gap(folder, GapReason.NOT_COLLECTED, "its files are not in this snapshot")


def exit_code(report: Report, fail_on: Severity | None) -> int:
    """Return 1 with a finding at or above ``fail_on``, 3 if there is none but something could not be checked, else 0."""
    if fail_on and any(f.severity.weight <= fail_on.weight for f in report.findings):
        return 1
    is_broken = any(f.severity is not Severity.INFO for f in report.findings)
    return 3 if not is_broken and any(s.asked for s in report.skipped) else 0


def timed(report: Report, timings: dict[str, float]) -> Report:
    """Return the report with the duration of each step, in seconds."""
    return replace(report, timings=timings)
