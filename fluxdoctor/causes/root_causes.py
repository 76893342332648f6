"""Find the roots: hits that no other hit explains, and what each of them blocks. Add fallbacks for what no rule covers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from fluxdoctor.causes import deduplicate
from fluxdoctor.model import flux
from fluxdoctor.model.failures import Failure, Words, quote
from fluxdoctor.model.finding import Confidence, Evidence, Problem
from fluxdoctor.model.flux import State
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.model.times import age
from fluxdoctor.rule import Hit, Rule, fill_for

UNEXPLAINED, IN_PROGRESS, NOT_VISIBLE = "flux/unexplained", "flux/in-progress", "flux/cause-not-visible"
FLAPPING = "flux/flapping"
FALLBACKS = (UNEXPLAINED, IN_PROGRESS, NOT_VISIBLE, FLAPPING)

#: Cause -> the objects that fail because of it.
_BlockedBy = Mapping[Ref, set[Ref]]


@dataclass(frozen=True, slots=True)
class Root:
    """A hit that no other hit explains, and the objects that it blocks."""

    hit: Hit
    blocks: frozenset[Ref]

    @property
    def subject(self) -> Ref:
        """The object to change or look at."""
        return self.hit.problem.subject


def find_roots(hits: Sequence[Hit], snapshot: Snapshot, fallbacks: Mapping[str, Rule]) -> list[Root]:
    """Return the roots of everything that fails; each failing object is the subject of a root or blocked by one."""
    symptoms: list[Hit] = []
    causes: list[Hit] = []
    blocked_by: defaultdict[Ref, set[Ref]] = defaultdict(set)
    covered: set[Ref] = set()
    for hit in hits:
        (symptoms if deduplicate.is_symptom(hit) else causes).append(hit)
        refs = deduplicate.covered_objects(hit.problem)
        covered.update(refs)
        for cause in hit.problem.because:
            blocked_by[cause].update(refs)
    for ref, cause in tuple(deduplicate.failing_dependencies(snapshot, blocked_by)):
        blocked_by[cause].add(ref)
    for failure in snapshot.failures.all:
        fallback = None if failure.ref in covered else _fallback(failure, snapshot, fallbacks)
        if fallback is None:
            continue
        if because := deduplicate.blocking_dependencies(failure, snapshot):
            symptoms.append(Hit(fallback.rule, replace(fallback.problem, because=because)))
            for cause in because:
                blocked_by[cause].add(failure.ref)
        else:
            causes.append(fallback)
    causes += _flapping(covered, snapshot, fallbacks)
    roots = [Root(h, _blocked_closure(h, blocked_by)) for h in causes]
    return roots + _unrooted_symptoms(symptoms, roots, blocked_by, snapshot, fallbacks)


def _blocked_closure(hit: Hit, blocked_by: _BlockedBy) -> frozenset[Ref]:
    """Return every object that fails, directly or not, because of what a hit covers."""
    queue = list(deduplicate.covered_objects(hit.problem))
    closure = set(queue)
    while queue:
        if (blocked := blocked_by.get(queue.pop())) and (unvisited := blocked - closure):
            closure |= unvisited
            queue += unvisited
    closure.discard(hit.problem.subject)
    return frozenset(closure)


def _fallback(failure: Failure, snapshot: Snapshot, fallbacks: Mapping[str, Rule]) -> Hit | None:
    """Return the hit about an object that no rule covers: in progress, cause not visible, or unexplained."""
    if failure.state is State.READY:
        return None
    is_cleaning_up = flux.is_in_deletion_grace(failure.resource, snapshot.taken)
    is_waiting = failure.state in (State.PROGRESSING, State.NEW) or bool(failure.previous) or is_cleaning_up
    words = next(iter((*failure.words, *failure.previous)), None)
    problem = Problem(
        failure.ref,
        {
            "message": _status_message(failure, words),
            "reason": words.reason if words else "",
            "first": _first_attempt(failure),
        },
        evidence=(quote(words, failure.ref),) if words else (),
        shared="waiting" if is_waiting else "",
        confidence=Confidence.REPORTED,
    )
    hidden = [] if is_waiting else _named_and_hidden(failure, snapshot)
    if hidden:
        facts = {**problem.facts, "why": "; ".join(_required_access(hidden, snapshot))}
        return Hit(fallbacks[NOT_VISIBLE], replace(problem, facts=facts, confidence=Confidence.LIKELY))
    return Hit(fallbacks[IN_PROGRESS if is_waiting else UNEXPLAINED], problem)


def _status_message(failure: Failure, words: Words | None) -> str:
    """Return the message of a status on one line, marked as outdated if it is about a previous generation."""
    message = " ".join(words.message.split()) if words else ""
    message = message or "no message in its status"
    if not failure.previous:
        return message
    return (
        "the spec has changed and the controller has not reported on it yet; "
        f"it reported on the previous generation: {message}"
    )


def _flapping(covered: Container[Ref], snapshot: Snapshot, fallbacks: Mapping[str, Rule]) -> Iterator[Hit]:
    """Yield a hit for each object that is Ready between two failures.

    For a failing object, the evidence of its own finding says so.
    """
    for ref in snapshot.cluster.event_refs:
        resource = snapshot.cluster.get(ref)
        if resource is None or ref in covered or ref.kind not in flux.KINDS or not _is_healthy(resource):
            continue
        if flaps := snapshot.failures.flaps(ref):
            last = next(e for e in snapshot.cluster.events(ref) if e.type == "Warning")
            facts = {"times": flaps, "message": " ".join(last.message.split())}
            proof = Evidence.event(f'{last.reason}: "{facts["message"]}"', f"{ref} event")
            yield Hit(fallbacks[FLAPPING], Problem(ref, facts, evidence=(proof,), confidence=Confidence.REPORTED))


def _first_attempt(failure: Failure) -> str:
    """Return " for the first time" if nothing was ever applied, released or stored, else ""."""
    has_succeeded = flux.revision(failure.resource) or failure.resource.rows("status.history")
    return "" if has_succeeded or failure.state not in (State.PROGRESSING, State.NEW) else " for the first time"


def _named_and_hidden(failure: Failure, snapshot: Snapshot) -> list[Ref]:
    """Return what an object needs and its controller names in the message, but could not be read."""
    hidden = []
    for reference in snapshot.graph.needs(failure.ref):
        name = reference.target.name
        if any(f"{q}{name}{q}" in failure.message or f"/{name}{q}" in failure.message for q in "'\""):
            is_hidden = snapshot.cluster.look(reference.target).unknown and not reference.optional
            hidden += [reference.target] if is_hidden else []
    return hidden


def _required_access(hidden: Iterable[Ref], snapshot: Snapshot) -> tuple[str, ...]:
    return tuple(dict.fromkeys(snapshot.cluster.required_access(ref) for ref in hidden))


def _unrooted_symptoms(
    symptoms: Sequence[Hit],
    roots: Sequence[Root],
    blocked_by: _BlockedBy,
    snapshot: Snapshot,
    fallbacks: Mapping[str, Rule],
) -> list[Root]:
    """Make roots of the symptoms that no root blocks, the deepest first; each of those blocks the ones that wait for it."""
    explained = {root.subject for root in roots}.union(*(root.blocks for root in roots))
    remaining = {h.problem.subject: h for h in symptoms if h.problem.subject not in explained}
    unrooted: list[Root] = []
    for symptom in sorted(remaining):
        while symptom in remaining:
            ref = _deepest(symptom, remaining)
            cycle = _cycle(ref, remaining)
            hit = _own_words(remaining.pop(ref), snapshot, fallbacks)
            if cycle:
                proof = Evidence.field(f"these objects wait for each other: {' -> '.join(map(str, cycle))}")
                hit = Hit(hit.rule, replace(hit.problem, evidence=(*hit.problem.evidence, proof)))
            root = Root(hit, _blocked_closure(hit, blocked_by))
            unrooted.append(root)
            for blocked in root.blocks:
                remaining.pop(blocked, None)
    return unrooted


def _deepest(start: Ref, symptoms: Mapping[Ref, Hit]) -> Ref:
    """Return what a symptom waits for in the end: one that waits for no other, or the first member of a cycle."""
    while True:
        waits_for = _causes_below(start, symptoms)
        ends = [ref for ref, causes in waits_for.items() if not causes]
        if ends:
            return min(ends)
        cycle = _waiting_for(start, waits_for)
        beyond = waits_for.keys() - cycle
        if not beyond:
            return min(cycle)
        start = min(beyond)


def _causes_below(start: Ref, symptoms: Mapping[Ref, Hit]) -> dict[Ref, set[Ref]]:
    """Return each symptom that can be reached from one along ``because``, itself included, with its direct causes."""
    waits_for: dict[Ref, set[Ref]] = {}
    queue = [start]
    while queue:
        ref = queue.pop()
        if ref not in waits_for:
            waits_for[ref] = {c for c in symptoms[ref].problem.because if c in symptoms and c != ref}
            queue += waits_for[ref]
    return waits_for


def _waiting_for(start: Ref, waits_for: Mapping[Ref, set[Ref]]) -> set[Ref]:
    """Return the symptoms that wait, directly or not, for one; itself included."""
    waiting: defaultdict[Ref, set[Ref]] = defaultdict(set)
    for ref, causes in waits_for.items():
        for cause in causes:
            waiting[cause].add(ref)
    reached, queue = {start}, [start]
    while queue:
        fresh = waiting[queue.pop()] - reached
        reached |= fresh
        queue += fresh
    return reached


def _cycle(start: Ref, symptoms: Mapping[Ref, Hit]) -> list[Ref]:
    """Return the shortest path from a symptom along ``because`` back to itself; [] if it is not in a cycle."""
    reached_from: dict[Ref, Ref] = {}
    queue = [start]
    for ref in queue:
        for cause in sorted(symptoms[ref].problem.because):
            if cause == start and ref != start:
                path = [start, ref]
                while path[-1] != start:
                    path.append(reached_from[path[-1]])
                return path[::-1]
            if cause in symptoms and cause not in reached_from:
                reached_from[cause] = ref
                queue.append(cause)
    return []


def _own_words(hit: Hit, snapshot: Snapshot, fallbacks: Mapping[str, Rule]) -> Hit:
    """Return the hit about a symptom without a root: cause not visible, in progress, or unchanged."""
    lookups = [snapshot.cluster.look(ref) for ref in hit.problem.because]
    hidden = [ref for ref, lookup in zip(hit.problem.because, lookups, strict=True) if lookup.unknown]
    hidden_pods = [why for ref in hit.problem.because if (why := snapshot.cluster.pods_hidden(ref))]
    if hidden or hidden_pods:
        facts = {
            **hit.problem.facts,
            "why": "; ".join(dict.fromkeys((*_required_access(hidden, snapshot), *hidden_pods))),
            "message": fill_for(hit.problem, hit.rule.message),
        }
        return Hit(fallbacks[NOT_VISIBLE], replace(hit.problem, facts=facts, confidence=Confidence.LIKELY))
    causes = [lookup.resource for lookup in lookups if lookup.resource]
    if not causes or len(causes) < len(lookups) or not all(map(_is_healthy, causes)):
        return hit
    failure = snapshot.failures.of(hit.problem.subject)
    proof = [Evidence.condition(_readiness(r, snapshot), f"{r.ref} condition Ready=True") for r in causes]
    problem = replace(hit.problem, evidence=(*hit.problem.evidence, *proof))
    if not _is_recent(failure, causes, snapshot):
        return Hit(hit.rule, problem)
    message = failure.message if failure else fill_for(hit.problem, hit.rule.message)
    facts = {"message": " ".join(message.split()), "reason": "waiting", "first": ""}
    return Hit(fallbacks[IN_PROGRESS], replace(problem, facts=facts, shared="waiting"))


def _is_recent(failure: Failure | None, causes: Sequence[Resource], snapshot: Snapshot) -> bool:
    """Tell whether the causes recovered so recently that the controller need not have reconciled the object since.

    The limit is two intervals of the object, at least a minute.
    """
    if failure is None or failure.since is None:
        return True
    recoveries = [c.since for r in causes if (c := flux.condition(r, "Ready")) and c.since]
    limit = max(2 * flux.interval(failure.resource), timedelta(minutes=1))
    return snapshot.taken - max((failure.since, *recoveries)) < limit


def _readiness(resource: Resource, snapshot: Snapshot) -> str:
    ready = flux.condition(resource, "Ready")
    if ready is None or ready.since is None:
        return f"{resource.ref} is Ready"
    return f"{resource.ref} has been Ready for {age(ready.since, snapshot.taken)}"


def _is_healthy(resource: Resource) -> bool:
    return resource.kind in flux.KINDS and flux.state(resource) in (State.READY, State.STATIC)
