"""The one use case: facts in, a Report out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fluxdoctor import causes, engine, rule
from fluxdoctor.model.finding import Report, Severity, Skipped
from fluxdoctor.model.flux import KINDS, Edge
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Catalogue


def diagnose(
    snapshot: Snapshot, catalogue: Catalogue | None = None, *, only: Sequence[str] = (), ignore: Sequence[str] = ()
) -> Report:
    """Run the rules over a snapshot and fold what they say to root causes.

    ``only`` and ``ignore`` are globs over rule ids; an ignored rule's finding is left out after folding, so that what it
    explains does not come back as unexplained. Raises RuleError where two packs offer one rule.
    """
    catalogue = catalogue or rule.installed()
    rules = catalogue.rules
    outcome = engine.run(rules, snapshot)
    findings = causes.fold(outcome, snapshot, {r.id: r for r in rules if r.role == "fallback"})
    kept = {r.id for r in engine.select(rules, only, ignore)}
    skipped = [s for s in outcome.skipped if s.rule in kept]
    return Report(
        mode=snapshot.mode,
        taken=snapshot.taken,
        findings=tuple(f for f in findings if f.rule in kept),
        skipped=tuple(dict.fromkeys((*catalogue.skipped, *_unseen(snapshot), *skipped))),
        objects=len(snapshot.cluster.flux),
        not_ready=len(snapshot.failures.failed),
        rules=sum(r.role != "fallback" and r.id in kept and snapshot.mode in r.modes for r in rules),
        versions=snapshot.versions.found,
        name=snapshot.name,
    )


def _unseen(snapshot: Snapshot) -> list[Skipped]:
    """What could not be read of the things that every diagnosis needs: Flux objects and controllers, namespaces and files."""
    found = [
        Skipped("", None, f"{gap.what}: {gap.why}")
        for gap in snapshot.gaps
        if "/" in gap.what or gap.what in KINDS or gap.what in ("Deployment", "Namespace")
    ]
    if snapshot.mode == "check":  # what a repository does not hold was not looked for in a cluster
        return [Skipped("", None, f"{gap.what}: {gap.why}") for gap in snapshot.gaps]
    found += [
        Skipped("", None, f"git/{ref.named}: its files are not in this snapshot") for ref in _untold_trees(snapshot)
    ]
    for kind in KINDS.values():
        crd = Ref("CustomResourceDefinition", "", f"{kind.plural}.{kind.group}")
        told = any(gap.what.partition("/")[0] == kind.name for gap in snapshot.gaps)
        if kind.name not in snapshot.cluster.listed and not told and not snapshot.cluster.look(crd).absent:
            found.append(Skipped("", None, f"{kind.name}: not listed"))
    return found


def _untold_trees(snapshot: Snapshot) -> list[Ref]:
    """GitRepositories that a Kustomization reads, whose files are lacking while those of others are there."""
    if snapshot.git is None or not snapshot.git.trees:
        return []
    told = {gap.what for gap in snapshot.gaps}
    read = {
        edge.target for k in snapshot.cluster.all("Kustomization") for edge in snapshot.graph.needs(k.ref, Edge.SOURCE)
    }
    return sorted(
        ref
        for ref in read
        if ref.kind == "GitRepository" and snapshot.cluster.get(ref) and snapshot.git.tree(ref) is None
        and f"git/{ref.named}" not in told
    )  # fmt: skip


def exit_code(report: Report, fail_on: Severity | None) -> int:
    """Return 1 with a finding at or above ``fail_on``, 3 when there is none but something could not be checked, else 0."""
    if fail_on and any(f.severity.weight <= fail_on.weight for f in report.findings):
        return 1
    return 3 if report.verdict == "incomplete" else 0


def timed(report: Report, timings: dict[str, float]) -> Report:
    """Add how long the steps took, in seconds."""
    return replace(report, timings=timings)
