"""Folds what the rules said to root causes. Pure.

The order of findings: severity; an object that is visibly failing before one that is green; how many objects the cause
holds back; how surely it is known; rule id; subject. So a report never changes with the order in which facts were read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from fluxdoctor.model import flux
from fluxdoctor.model.failures import Failure, said
from fluxdoctor.model.finding import Confidence, Evidence, Finding, Frozen, Problem, Severity
from fluxdoctor.model.flux import Edge, State
from fluxdoctor.model.resource import Location, Ref, Resource
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.model.times import age
from fluxdoctor.rule import Hit, Outcome, Rule, fill

_CONSUMES = (Edge.SOURCE, Edge.CHART_REF, Edge.HELM_CHART, Edge.IMAGE_REPOSITORY, Edge.INCLUDE)
_FALLBACKS = ("flux/unexplained", "flux/in-progress", "flux/cause-not-visible")


@dataclass(frozen=True, slots=True)
class _Root:
    """A hit that no other hit explains, and the failing objects that it holds back."""

    hit: Hit
    blocks: frozenset[Ref]

    @property
    def subject(self) -> Ref:
        return self.hit.problem.subject


def fold(outcome: Outcome, snapshot: Snapshot, fallbacks: Mapping[str, Rule]) -> tuple[Finding, ...]:
    """Return the findings, one a root cause, the first thing to fix first; every failing object is accounted for."""
    hits = _deeper(_undone(_proof_first(outcome.hits)), snapshot)
    roots = _reach(hits, snapshot, fallbacks)
    findings = [_finding(group, snapshot) for group in _shared(roots)]
    return tuple(sorted(findings, key=lambda f: _rank(f, snapshot)))


def _covers(problem: Problem) -> frozenset[Ref]:
    return frozenset((problem.subject, *problem.explains))


def _proof_first(hits: Sequence[Hit]) -> list[Hit]:
    """Where a rule both proved and read the same, the proof stays."""
    proven = {(h.rule.id, ref) for h in hits if h.problem.confidence is Confidence.PROVEN for ref in _covers(h.problem)}
    kept: dict[tuple[str, Ref, str], Hit] = {}
    for hit in hits:
        told = hit.problem.confidence is Confidence.REPORTED and (hit.rule.id, hit.problem.subject) in proven
        key = (hit.rule.id, hit.problem.subject, hit.problem.key)
        if not told:
            kept.setdefault(key, hit)
    return list(kept.values())


def _undone(hits: Sequence[Hit]) -> list[Hit]:
    """Leave out a hit on an object that a rule which supersedes its rule explains."""
    explained = {(rule, ref) for h in hits for rule in h.rule.supersedes for ref in _covers(h.problem)}
    return [h for h in hits if (h.rule.id, h.problem.subject) not in explained]


def _deeper(hits: Sequence[Hit], snapshot: Snapshot) -> list[Hit]:
    """A missing object that a failing Kustomization would apply is that Kustomization's consequence."""
    if snapshot.manifests is None:
        return list(hits)
    found = []
    for hit in hits:
        missing, because = hit.problem.missing, hit.problem.because
        makers = snapshot.manifests.producers(missing) if missing else ()
        failing = [
            m for m in makers if m != hit.problem.subject and snapshot.failures.of(m) and not _needs(m, hit, snapshot)
        ]
        deeper = replace(hit.problem, because=(*because, *failing)) if failing else hit.problem
        found.append(Hit(hit.rule, deeper))
    return found


def _needs(maker: Ref, hit: Hit, snapshot: Snapshot) -> bool:
    """The maker waits for the subject itself: then the subject is the deeper of the two."""
    said_by_maker = " ".join(w.message for f in (snapshot.failures.of(maker),) if f for w in f.words)
    return hit.problem.subject.named in said_by_maker


def _is_symptom(hit: Hit) -> bool:
    return hit.rule.role == "symptom" or bool(hit.problem.because)


def _reach(hits: Sequence[Hit], snapshot: Snapshot, fallbacks: Mapping[str, Rule]) -> list[_Root]:
    symptoms = [h for h in hits if _is_symptom(h)]
    blocked_by: dict[Ref, set[Ref]] = {}
    for hit in symptoms:
        for cause in hit.problem.because:
            blocked_by.setdefault(cause, set()).update(_covers(hit.problem) - {cause})
    spoken = {ref for h in hits for ref in _covers(h.problem)}
    unspoken = [_fallback(f, fallbacks) for f in snapshot.failures.all if f.ref not in spoken]
    roots = [h for h in hits if not _is_symptom(h)] + [h for h in unspoken if h]
    found = [_Root(h, _held(h, blocked_by)) for h in roots]
    return found + _stuck(symptoms, found, blocked_by, snapshot, fallbacks)


def _held(hit: Hit, blocked_by: Mapping[Ref, Iterable[Ref]]) -> frozenset[Ref]:
    """Every object that waits, directly or not, for what a hit covers."""
    start = _covers(hit.problem)
    seen = set(start)
    todo = list(start)
    while todo:
        for ref in blocked_by.get(todo.pop(), ()):
            if ref not in seen:
                seen.add(ref)
                todo.append(ref)
    return frozenset(seen - {hit.problem.subject})


def _fallback(failure: Failure, fallbacks: Mapping[str, Rule]) -> Hit | None:
    if failure.state is State.READY:
        return None
    waits = failure.state in (State.PROGRESSING, State.NEW)
    words = failure.words[0] if failure.words else None
    quoted = words.message if words and words.message else "its status says nothing"
    problem = Problem(
        failure.ref,
        {"message": " ".join(quoted.split()), "reason": words.reason if words else ""},
        evidence=(said(words, failure.ref),) if words else (),
        shared="waiting" if waits else "",
        confidence=Confidence.REPORTED,
    )
    return Hit(fallbacks["flux/in-progress" if waits else "flux/unexplained"], problem)


def _stuck(
    symptoms: Sequence[Hit],
    roots: Sequence[_Root],
    blocked_by: Mapping[Ref, Iterable[Ref]],
    snapshot: Snapshot,
    fallbacks: Mapping[str, Rule],
) -> list[_Root]:
    """Symptoms that no root explains: the deepest of them speak for themselves, and for those that wait for them."""
    covered = {ref for root in roots for ref in (root.subject, *root.blocks)}
    left = {h.problem.subject: h for h in sorted(symptoms, key=lambda h: str(h.problem.subject), reverse=True)}
    left = {ref: h for ref, h in left.items() if ref not in covered}
    found: list[_Root] = []
    while left:
        deepest = [r for r, h in left.items() if not any(c in left and c != r for c in h.problem.because)]
        ref = min(deepest or left)
        hit = _own_words(left.pop(ref), snapshot, fallbacks)
        root = _Root(hit, _held(hit, blocked_by))
        found.append(root)
        left = {r: h for r, h in left.items() if r not in root.blocks}
    return found


def _own_words(hit: Hit, snapshot: Snapshot, fallbacks: Mapping[str, Rule]) -> Hit:
    """Say of a symptom without a visible cause whether it is passing, out of sight, or all that is known."""
    lookups = [snapshot.cluster.look(ref) for ref in hit.problem.because]
    hidden = [found.why for found in lookups if found.unknown]
    if hidden:
        facts = {**hit.problem.facts, "why": "; ".join(hidden), "message": fill(hit.rule.message, hit.problem.facts)}
        return Hit(fallbacks["flux/cause-not-visible"], replace(hit.problem, facts=facts, confidence=Confidence.LIKELY))
    waits = hit.problem.because and all(found.resource and _well(found.resource) for found in lookups)
    failure = snapshot.failures.of(hit.problem.subject)
    since = failure.since if failure else None
    fresh = since is None or failure is None or snapshot.taken - since < 2 * flux.interval(failure.resource)
    if waits and fresh:
        quoted = failure.message if failure else fill(hit.rule.message, hit.problem.facts)
        facts = {"message": " ".join(quoted.split()), "reason": "waiting"}
        return Hit(fallbacks["flux/in-progress"], replace(hit.problem, facts=facts, shared="waiting"))
    return hit


def _well(resource: Resource) -> bool:
    return resource.kind in flux.KINDS and flux.state(resource) in (State.READY, State.STATIC)


def _shared(roots: Sequence[_Root]) -> list[list[_Root]]:
    """Group the roots of one rule that share one cause."""
    groups: dict[tuple[str, str], list[_Root]] = {}
    for root in sorted(roots, key=lambda r: (r.hit.rule.id, str(r.subject), r.hit.problem.key)):
        alone = f"{root.subject} {root.hit.problem.key}"
        groups.setdefault((root.hit.rule.id, root.hit.problem.shared or alone), []).append(root)
    return list(groups.values())


def _finding(group: Sequence[_Root], snapshot: Snapshot) -> Finding:
    lead = min(group, key=lambda r: (-len(r.blocks), str(r.subject)))
    rule, problem = lead.hit.rule, lead.hit.problem
    facts = {"subject": problem.subject, **problem.facts}
    also = tuple(sorted({r.subject for r in group} - {lead.subject}))
    held = frozenset().union(*(r.blocks for r in group)) - {lead.subject, *also}
    green = frozenset(ref for ref in held if _is_ready(ref, snapshot))
    blocks = held - green
    return Finding(
        rule=rule.id,
        severity=problem.severity or rule.severity,
        confidence=problem.confidence,
        subject=lead.subject,
        message=fill(rule.message, facts),
        fix=fill(rule.fix, facts),
        summary=rule.summary,
        also=also,
        evidence=_evidence(problem, snapshot),
        facts=facts,
        faults=rule.faults,
        field=problem.field or rule.field,
        location=_location(rule, problem, snapshot),
        blocks=tuple(sorted(blocks)),
        freezes=_freezes((lead.subject, *also), green, blocks, snapshot),
        key=problem.key,
        url=rule.url,
    )


def _evidence(problem: Problem, snapshot: Snapshot) -> tuple[Evidence, ...]:
    """The proof, then the controller's words about the first object that fails because of it, then since when."""
    found = list(problem.evidence)
    failure = next((f for ref in (problem.subject, *problem.explains) if (f := snapshot.failures.of(ref))), None)
    if failure and failure.words and not any(f.where.endswith(failure.words[0].where) for f in found):
        found.append(said(failure.words[0], failure.ref))
    if failure and failure.since:
        found.append(Evidence(f"since {age(failure.since, snapshot.taken)}", f"{failure.ref} lastTransitionTime"))
    return tuple(dict.fromkeys(found))


def _location(rule: Rule, problem: Problem, snapshot: Snapshot) -> Location | None:
    if problem.location:
        return problem.location
    resource = snapshot.cluster.get(problem.subject)
    if resource is None:
        return None
    path = (problem.field or rule.field).replace("[", ".").replace("]", "")
    if snapshot.manifests is None:
        return resource.at(path)
    return snapshot.manifests.locate(resource, path, snapshot.graph.parent(resource))


def _freezes(
    subjects: Iterable[Ref], green: frozenset[Ref], blocks: frozenset[Ref], snapshot: Snapshot
) -> tuple[Frozen, ...]:
    """What is Ready and gets no changes: consumers of a failing or suspended source, and what a rule says waits."""
    found = set(green)
    todo = [ref for ref in subjects if ref.kind in flux.SOURCES and _stale(ref, snapshot)]
    while todo:
        for ref, _ in snapshot.graph.needed_by(todo.pop(), *_CONSUMES):
            if ref not in found and ref not in blocks and _is_ready(ref, snapshot):
                found.add(ref)
                todo.append(ref)
    return tuple(Frozen(ref, _revision(ref, snapshot)) for ref in sorted(found))


def _revision(ref: Ref, snapshot: Snapshot) -> str:
    resource = snapshot.cluster.get(ref)
    return flux.short(flux.revision(resource)) if resource else ""


def _is_ready(ref: Ref, snapshot: Snapshot) -> bool:
    resource = snapshot.cluster.get(ref)
    return resource is not None and resource.kind in flux.KINDS and flux.state(resource) is State.READY


def _stale(ref: Ref, snapshot: Snapshot) -> bool:
    resource = snapshot.cluster.get(ref)
    return resource is not None and flux.state(resource) in (State.FAILED, State.SUSPENDED)


def _rank(finding: Finding, snapshot: Snapshot) -> tuple[object, ...]:
    failing = any(snapshot.failures.of(ref) for ref in (finding.subject, *finding.also, *finding.blocks))
    held = len(finding.blocks) + len(finding.also)
    fallback = finding.rule in _FALLBACKS
    return (
        finding.severity.weight, not failing, fallback, -held, finding.confidence.weight, -len(finding.freezes),
        finding.rule, str(finding.subject), finding.key,
    )  # fmt: skip


def worst(findings: Iterable[Finding]) -> Severity | None:
    """Return the worst severity, or None without a finding."""
    return min((f.severity for f in findings), key=lambda s: s.weight, default=None)
