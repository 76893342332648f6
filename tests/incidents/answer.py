"""What a diagnosis of a generated incident must say: each visible cause once, what it holds back, and what is stale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fluxdoctor.model.finding import Finding, Report, Severity
from fluxdoctor.model.resource import Ref
from tests.incidents import breaks as b
from tests.incidents.breaks import Break, Stage
from tests.incidents.status import World


@dataclass(frozen=True)
class Cause:
    """One break that can be seen: the objects that may be named for it, all that fails of it, and all that is stale."""

    name: str
    faults: frozenset[str]
    subjects: frozenset[Ref]
    fails: frozenset[Ref]
    stale: frozenset[Ref]

    def is_named_by(self, finding: Finding) -> bool:
        return bool(self.faults & set(finding.faults)) and finding.subject in self.subjects


@dataclass(frozen=True)
class Judged:
    """How a report compares: the rules that named a cause, what was wrong, which causes were missed, what was left out."""

    right: tuple[str, ...]
    wrong: tuple[str, ...]
    missed: tuple[str, ...]
    first: bool
    unaccounted: tuple[Ref, ...]


@dataclass(frozen=True)
class Answer:
    """The visible causes, and every object that is not ready."""

    causes: tuple[Cause, ...]
    failing: frozenset[Ref]

    def judge(self, report: Report) -> Judged:
        """Count a report as the recorded incidents are counted: by cause, whatever else it says of it."""
        findings = [f for f in report.findings if f.severity is not Severity.INFO]
        right = [f for f in findings if any(c.is_named_by(f) for c in self.causes)]
        told = {ref for f in report.findings for ref in (f.subject, *f.also, *f.blocks)}
        return Judged(
            tuple(f.rule for f in right),
            tuple(f.rule for f in findings if f not in right),
            tuple(c.name for c in self.causes if not any(c.is_named_by(f) for f in findings)),
            bool(findings) and findings[0] in right,
            tuple(sorted(self.failing - told)),
        )

    def differences(self, report: Report) -> Iterator[str]:
        """Yield what a report says too much, too little or otherwise; nothing where it is exactly right."""
        findings = [f for f in report.findings if f.severity is not Severity.INFO]
        left = list(findings)
        for cause in self.causes:
            right = [f for f in left if cause.is_named_by(f)]
            if len(right) != 1:
                yield f"{cause.name}: told {len(right)} times"
            for finding in right:
                left.remove(finding)
                yield from _compared(cause, finding)
        yield from (f"wrong: {f.rule} {f.subject}: {f.message}" for f in left)
        told = {ref for f in report.findings for ref in (f.subject, *f.also, *f.blocks)}
        yield from (f"unaccounted: {ref}" for ref in sorted(self.failing - told))


def _compared(cause: Cause, finding: Finding) -> Iterator[str]:
    if extra := {finding.subject, *finding.also} - cause.subjects:
        yield f"{cause.name}: names {_names(extra)} too"
    said = [finding.subject, *finding.also, *finding.blocks]
    if len(said) != len(set(said)):
        yield f"{cause.name}: names an object twice"
    yield from _sets(f"{cause.name}: fails", cause.fails, frozenset(said))
    yield from _sets(f"{cause.name}: stale", cause.stale, frozenset(f.ref for f in finding.freezes))


def _sets(what: str, wanted: frozenset[Ref], found: frozenset[Ref]) -> Iterator[str]:
    if wanted - found:
        yield f"{what} lacks {_names(wanted - found)}"
    if found - wanted:
        yield f"{what} has {_names(found - wanted)} too much"


def _names(refs: frozenset[Ref] | set[Ref]) -> str:
    return ", ".join(map(str, sorted(refs)))


def _is_visible(one: Break, target: Ref, world: World) -> bool:
    """The objects show it, or a controller got as far as to say it."""
    said = [
        world.failing.get(target),
        *(world.failing.get(r.chart) for r in world.fleet.releases if r.ref == target and r.chart),
    ]
    return one.way.proven or any(words is not None and words.own is one for words in said)


def _roots(ref: Ref, world: World) -> set[Break]:
    """Every visible break that holds an object back; those that wait for each other share theirs."""
    found: set[Break] = set()
    seen, todo = {ref}, [ref]
    while todo:
        one = todo.pop()
        words, own = world.failing.get(one), world.own(one)
        if words is None:
            if own and own.way is b.SUSPENDED:
                found.add(own)
            continue
        if words.own:
            found.add(words.own)
        if own and own.way is not b.CRASH and _is_visible(own, one, world):
            found.add(own)
        for other in words.waits:
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return found


def answer(world: World) -> Answer:
    """Work out the answer from the fleet and what is broken in it."""
    roots = {ref: _roots(ref, world) for ref in world.failing}
    causes = []
    for one in world.broken:
        targets = frozenset(t for t in one.targets if _is_visible(one, t, world))
        if not targets:
            continue
        held = frozenset(ref for ref, found in roots.items() if one in found)
        subjects = (
            frozenset(layer.deployment for layer in world.fleet.layers if layer.ref in targets)
            if one.way is b.CRASH
            else targets
        )
        named = subjects if one.way in (b.CRASH, b.SUSPENDED) else frozenset[Ref]()
        causes.append(Cause(str(one), one.way.faults, subjects, held | named, _stale(held, targets, world)))
    return Answer(tuple(causes), frozenset(world.failing))


def _stale(held: frozenset[Ref], targets: frozenset[Ref], world: World) -> frozenset[Ref]:
    """Ready, and without changes: what reads from a source that fails, and what a Kustomization applies that applies nothing."""
    found: set[Ref] = set()
    still = {s.ref for s in world.fleet.sources if s.ref in targets or s.generator in targets}
    for made in world.fleet.sources:
        if made.reads in still and made.generator not in world.failing:
            still.add(made.ref)
            found |= {made.ref, made.generator}
        elif made.generator in targets and made.ref not in world.absent:
            found.add(made.ref)
    for source in still:
        found |= {layer.ref for layer in world.fleet.layers if layer.source == source}
        for release in world.fleet.releases:
            if release.source == source:
                found |= {release.ref, *((release.chart,) if release.chart else ())}
    for layer in world.fleet.layers:
        if layer.ref in held and world.failing[layer.ref].stage is not Stage.HEALTH:
            found |= set(layer.children)
    return frozenset(found - world.failing.keys())
