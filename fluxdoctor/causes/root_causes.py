"""The roots: hits that no other explains, what each holds back, and what is said where no rule knows better."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from fluxdoctor.causes import deduplicate
from fluxdoctor.model import flux
from fluxdoctor.model.failures import Failure, said
from fluxdoctor.model.finding import Confidence, Evidence, Problem
from fluxdoctor.model.flux import State
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.model.times import age
from fluxdoctor.rule import Hit, Rule, fill_for

UNEXPLAINED, IN_PROGRESS, NOT_VISIBLE = "flux/unexplained", "flux/in-progress", "flux/cause-not-visible"
FLAPPING = "flux/flapping"
FALLBACKS = (UNEXPLAINED, IN_PROGRESS, NOT_VISIBLE, FLAPPING)

_Blocked = Mapping[Ref, set[Ref]]


@dataclass(frozen=True, slots=True)
class Root:
    """A hit that no other hit explains, and the objects that it holds back."""

    hit: Hit
    blocks: frozenset[Ref]

    @property
    def subject(self) -> Ref:
        """The object to change or look at."""
        return self.hit.problem.subject


def find_roots(settled: Sequence[Hit], snapshot: Snapshot, fallbacks: Mapping[str, Rule]) -> list[Root]:
    """Return the roots of everything that fails: no failing object is left out."""
    symptoms: list[Hit] = []
    told: list[Hit] = []
    blocked_by: defaultdict[Ref, set[Ref]] = defaultdict(set)
    spoken: set[Ref] = set()
    for hit in settled:
        (symptoms if deduplicate.is_symptom(hit) else told).append(hit)
        covered = deduplicate.covers(hit.problem)
        spoken.update(covered)
        for cause in hit.problem.because:
            blocked_by[cause].update(covered)
    for ref, cause in tuple(deduplicate.waiting_pairs(snapshot, blocked_by)):
        blocked_by[cause].add(ref)
    for failure in snapshot.failures.all:
        said = None if failure.ref in spoken else _fallback(failure, snapshot, fallbacks)
        if said is None:
            continue
        if causes := deduplicate.blocking_dependencies(failure, snapshot):
            symptoms.append(Hit(said.rule, replace(said.problem, because=causes)))
            for cause in causes:
                blocked_by[cause].add(failure.ref)
        else:
            told.append(said)
    told += _flapping(spoken, snapshot, fallbacks)
    found = [Root(h, _blocked_closure(h, blocked_by)) for h in told]
    return found + _unrooted_symptoms(symptoms, found, blocked_by, snapshot, fallbacks)


def _blocked_closure(hit: Hit, blocked_by: _Blocked) -> frozenset[Ref]:
    """Every object that waits, directly or not, for what a hit covers."""
    todo = list(deduplicate.covers(hit.problem))
    seen = set(todo)
    while todo:
        if (waiting := blocked_by.get(todo.pop())) and (more := waiting - seen):
            seen |= more
            todo += more
    seen.discard(hit.problem.subject)
    return frozenset(seen)


def _fallback(failure: Failure, snapshot: Snapshot, fallbacks: Mapping[str, Rule]) -> Hit | None:
    if failure.state is State.READY:
        return None
    is_leaving = flux.is_in_deletion_grace(failure.resource, snapshot.taken)
    waits = failure.state in (State.PROGRESSING, State.NEW) or bool(failure.past) or is_leaving
    words = next(iter((*failure.words, *failure.past)), None)
    quoted = " ".join(words.message.split()) if words and words.message else "its status says nothing"
    if failure.past:
        quoted = f"its spec was changed, and the controller has not judged it yet; of the one before it said: {quoted}"
    problem = Problem(
        failure.ref,
        {"message": quoted, "reason": words.reason if words else "", "first": _first(failure)},
        evidence=(said(words, failure.ref),) if words else (),
        shared="waiting" if waits else "",
        confidence=Confidence.REPORTED,
    )
    hidden = [] if waits else _named_and_hidden(failure, snapshot)
    if hidden:
        facts = {**problem.facts, "why": "; ".join(_why(hidden, snapshot))}
        return Hit(fallbacks[NOT_VISIBLE], replace(problem, facts=facts, confidence=Confidence.LIKELY))
    return Hit(fallbacks[IN_PROGRESS if waits else UNEXPLAINED], problem)


def _flapping(spoken: Container[Ref], snapshot: Snapshot, fallbacks: Mapping[str, Rule]) -> Iterator[Hit]:
    """An object that is Ready between two failures: of a failing one the finding's own proof says it."""
    for ref in snapshot.cluster.event_refs:
        resource = snapshot.cluster.get(ref)
        if resource is None or ref in spoken or ref.kind not in flux.KINDS or not _is_healthy(resource):
            continue
        if times := snapshot.failures.flaps(ref):
            last = next(e for e in snapshot.cluster.events(ref) if e.type == "Warning")
            facts = {"times": times, "message": " ".join(last.message.split())}
            proof = Evidence(f'{last.reason}: "{facts["message"]}"', f"{ref} event")
            yield Hit(fallbacks[FLAPPING], Problem(ref, facts, evidence=(proof,), confidence=Confidence.REPORTED))


def _first(failure: Failure) -> str:
    """Nothing was ever applied, released or stored: this is the first attempt."""
    done = flux.revision(failure.resource) or failure.resource.rows("status.history")
    return "" if done or failure.state not in (State.PROGRESSING, State.NEW) else " for the first time"


def _named_and_hidden(failure: Failure, snapshot: Snapshot) -> list[Ref]:
    """What an object needs, its controller names, and nobody could read."""
    found = []
    for reference in snapshot.graph.needs(failure.ref):
        name = reference.target.name
        if any(f"{q}{name}{q}" in failure.message or f"/{name}{q}" in failure.message for q in "'\""):
            hidden = snapshot.cluster.look(reference.target).unknown and not reference.optional
            found += [reference.target] if hidden else []
    return found


def _why(hidden: Iterable[Ref], snapshot: Snapshot) -> tuple[str, ...]:
    return tuple(dict.fromkeys(snapshot.cluster.required_access(ref) for ref in hidden))


def _unrooted_symptoms(
    symptoms: Sequence[Hit],
    found: Sequence[Root],
    blocked_by: _Blocked,
    snapshot: Snapshot,
    fallbacks: Mapping[str, Rule],
) -> list[Root]:
    """Symptoms that no root explains: the deepest of them speak for themselves, and for those that wait for them."""
    covered = {root.subject for root in found}.union(*(root.blocks for root in found))
    left = {h.problem.subject: h for h in symptoms if h.problem.subject not in covered}
    deepest = sorted(r for r, h in left.items() if not any(c in left and c != r for c in h.problem.because))
    more: list[Root] = []
    while left:
        ref = next((r for r in deepest if r in left), None) or min(left)
        circle = _cycle(ref, left)
        hit = _own_words(left.pop(ref), snapshot, fallbacks)
        if circle:
            proof = Evidence(f"they wait for each other: {' -> '.join(map(str, circle))}")
            hit = Hit(hit.rule, replace(hit.problem, evidence=(*hit.problem.evidence, proof)))
        root = Root(hit, _blocked_closure(hit, blocked_by))
        more.append(root)
        left = {r: h for r, h in left.items() if r not in root.blocks}
    return more


def _cycle(start: Ref, left: Mapping[Ref, Hit]) -> list[Ref]:
    """Return the way from a symptom through what it waits for back to itself, the shortest; [] where there is none."""
    came: dict[Ref, Ref] = {}
    todo = [start]
    for ref in todo:
        for cause in sorted(left[ref].problem.because):
            if cause == start and ref != start:
                way = [start, ref]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1]
            if cause in left and cause not in came:
                came[cause] = ref
                todo.append(cause)
    return []


def _own_words(hit: Hit, snapshot: Snapshot, fallbacks: Mapping[str, Rule]) -> Hit:
    """Say of a symptom without a visible cause whether it is passing, out of sight, or all that is known."""
    lookups = [snapshot.cluster.look(ref) for ref in hit.problem.because]
    hidden = [ref for ref, found in zip(hit.problem.because, lookups, strict=True) if found.unknown]
    pods = [why for ref in hit.problem.because if (why := snapshot.cluster.pods_hidden(ref))]
    if hidden or pods:
        facts = {
            **hit.problem.facts,
            "why": "; ".join(dict.fromkeys((*_why(hidden, snapshot), *pods))),
            "message": fill_for(hit.problem, hit.rule.message),
        }
        return Hit(fallbacks[NOT_VISIBLE], replace(hit.problem, facts=facts, confidence=Confidence.LIKELY))
    causes = [found.resource for found in lookups if found.resource]
    if not causes or len(causes) < len(lookups) or not all(map(_is_healthy, causes)):
        return hit
    failure = snapshot.failures.of(hit.problem.subject)
    proof = [Evidence(f"{r.ref} is Ready{_ready_for(r, snapshot)}", f"{r.ref} condition Ready=True") for r in causes]
    if _is_recent(failure, causes, snapshot):
        quoted = failure.message if failure else fill_for(hit.problem, hit.rule.message)
        facts = {"message": " ".join(quoted.split()), "reason": "waiting", "first": ""}
        problem = replace(hit.problem, facts=facts, shared="waiting", evidence=(*hit.problem.evidence, *proof))
        return Hit(fallbacks[IN_PROGRESS], problem)
    return Hit(hit.rule, replace(hit.problem, evidence=(*hit.problem.evidence, *proof)))


def _is_recent(failure: Failure | None, causes: Sequence[Resource], snapshot: Snapshot) -> bool:
    """What it waited for is well since so short a time that its controller need not have looked again."""
    if failure is None or failure.since is None:
        return True
    healed = [c.since for r in causes if (c := flux.condition(r, "Ready")) and c.since]
    patience = max(2 * flux.interval(failure.resource), timedelta(minutes=1))
    return snapshot.taken - max((failure.since, *healed)) < patience


def _ready_for(resource: Resource, snapshot: Snapshot) -> str:
    ready = flux.condition(resource, "Ready")
    return f" since {age(ready.since, snapshot.taken)}" if ready and ready.since else ""


def _is_healthy(resource: Resource) -> bool:
    return resource.kind in flux.KINDS and flux.state(resource) in (State.READY, State.STATIC)
