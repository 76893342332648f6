"""Sorts out what the rules said of the objects: proof before message, the deeper before the shallow, and who waits for whom."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from fluxdoctor.model import flux
from fluxdoctor.model.failures import Failure
from fluxdoctor.model.finding import Confidence, Problem, Severity
from fluxdoctor.model.flux import Edge, State
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Hit


def resolve(said: Sequence[Hit], snapshot: Snapshot) -> list[Hit]:
    """Return the hits that stand."""
    return _defer_to_deleted(_defer_to_producer(_drop_superseded(_prefer_proven(said)), snapshot))


def covers(problem: Problem) -> tuple[Ref, ...]:
    """Return the objects that a problem speaks of."""
    return (problem.subject, *problem.explains)


def is_symptom(hit: Hit) -> bool:
    """Tell whether a hit says that its subject fails because of others."""
    return hit.rule.role == "symptom" or bool(hit.problem.because)


def _prefer_proven(said: Iterable[Hit]) -> list[Hit]:
    """Where a rule both proved and read the same, the proof stays."""
    told = list(said)
    proven = {(h.rule.id, ref) for h in told if h.problem.confidence is Confidence.PROVEN for ref in covers(h.problem)}
    kept: dict[tuple[str, Ref, str], Hit] = {}
    for hit in told:
        rule, problem = hit.rule.id, hit.problem
        if problem.confidence is not Confidence.REPORTED or (rule, problem.subject) not in proven:
            kept.setdefault((rule, problem.subject, problem.key), hit)
    return list(kept.values())


def _drop_superseded(said: Sequence[Hit]) -> list[Hit]:
    """Leave out a hit on an object that a rule which supersedes its rule explains."""
    explained = {(rule, ref) for h in said for rule in h.rule.supersedes for ref in covers(h.problem)}
    return [h for h in said if (h.rule.id, h.problem.subject) not in explained] if explained else list(said)


def _defer_to_producer(said: Sequence[Hit], snapshot: Snapshot) -> list[Hit]:
    """A missing object that a failing Kustomization would apply, or a failing generator would make, is its consequence."""
    if not any(h.problem.missing for h in said):
        return list(said)
    found = []
    for hit in said:
        missing, because = hit.problem.missing, hit.problem.because
        if not missing:
            found.append(hit)
            continue
        makers = [*snapshot.graph.generators.get(missing, ())]
        if snapshot.manifests is not None:
            makers += snapshot.manifests.producers(missing)
        failing = [
            m for m in makers if m != hit.problem.subject and snapshot.failures.of(m) and not _needs(m, hit, snapshot)
        ]
        deeper = replace(hit.problem, because=(*because, *failing)) if failing else hit.problem
        found.append(Hit(hit.rule, deeper))
    return found


def _defer_to_deleted(said: Sequence[Hit]) -> list[Hit]:
    """Where a rule speaks of a missing object itself (its owner lists it, and it was deleted), whoever misses it waits for it.

    The object's own hit then is as bad as what it brings about.
    """
    own = {h.problem.subject: h for h in said if not is_symptom(h)}
    found, worst = [], dict[Ref, Severity]()
    for hit in said:
        missing = hit.problem.missing
        if missing is None or missing not in own or missing == hit.problem.subject:
            found.append(hit)
            continue
        severity = hit.problem.severity or hit.rule.severity
        worst[missing] = min(severity, worst.get(missing, severity), key=lambda s: s.weight)
        found.append(Hit(hit.rule, replace(hit.problem, because=(*hit.problem.because, missing))))
    return [_as_bad_as(hit, worst) for hit in found] if worst else found


def _as_bad_as(hit: Hit, worst: Mapping[Ref, Severity]) -> Hit:
    severity = worst.get(hit.problem.subject)
    own = hit.problem.severity or hit.rule.severity
    if severity is None or is_symptom(hit) or severity.weight >= own.weight:
        return hit
    return Hit(hit.rule, replace(hit.problem, severity=severity))


def _needs(maker: Ref, hit: Hit, snapshot: Snapshot) -> bool:
    """The maker waits for the subject itself: then the subject is the deeper of the two."""
    said_by_maker = " ".join(w.message for f in (snapshot.failures.of(maker),) if f for w in f.words)
    return hit.problem.subject.named in said_by_maker


def waiting_pairs(snapshot: Snapshot, known: Mapping[Ref, Container[Ref]]) -> Iterator[tuple[Ref, Ref]]:
    """Yield (object, dependency) for each dependency that fails of an object that waits for its dependencies.

    A controller names the first one that is not ready, and a rule reads that (``known``: who is held back by what); the
    others hold the object back as well (kustomize-controller 1.9 and helm-controller 1.6 return from the loop over
    spec.dependsOn at the first).
    """
    failure_of = snapshot.failures.of
    for ref, depends in snapshot.graph.gathering.items():
        if len(depends) == 1 and ref in known.get(depends[0], ()):
            continue
        failure = failure_of(ref)
        if failure and failure.words and failure.words[0].reason == "DependencyNotReady":
            for target in depends:
                other = failure_of(target)
                if other and other.state is State.FAILED:
                    yield ref, target


#: What an object needs before its controller can do anything for it.
_FIRST = (Edge.SOURCE, Edge.CHART_REF, Edge.HELM_CHART, Edge.IMAGE_REPOSITORY, Edge.INCLUDE, Edge.GENERATOR, Edge.DEPENDS_ON,
          Edge.INPUTS, Edge.SYNC)  # fmt: skip
_LACKS = re.compile(
    r"not ready|no artifact|artifact not found|not have an artifact|no tags in database|not found", re.I
)


def blocking_dependencies(failure: Failure, snapshot: Snapshot) -> tuple[Ref, ...]:
    """Return the failing objects that an object of which no rule speaks waits for, by what it needs and what was said.

    Where its controller says that something is not there or not ready, that is what it needs and what fails; an object
    without any status waits for a source or a generator that never brought anything about.
    """
    said = " ".join(words.message for words in failure.words)
    if not (_LACKS.search(said) if said else failure.state is State.NEW):
        return ()
    failing = []
    for reference in snapshot.graph.needs(failure.ref, *_FIRST):
        other = snapshot.failures.of(reference.target)
        if other and other.state is not State.READY and reference.target != failure.ref:
            named = reference.target.name in said
            failing.append((not named, reference.target, named or not flux.revision(other.resource)))
    return tuple(dict.fromkeys(ref for _, ref, sure in sorted(failing) if sure))
