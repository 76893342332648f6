"""Reduce the hits of the rules to one for each problem, and find out which objects wait for which."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace

from fluxdoctor.model import flux
from fluxdoctor.model.failures import Failure
from fluxdoctor.model.finding import Confidence, Problem, Severity
from fluxdoctor.model.flux import Edge, State
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import Hit


def resolve(hits: Sequence[Hit], snapshot: Snapshot) -> list[Hit]:
    """Return the hits without repetitions; a hit about a missing object names in ``because`` what should have created it."""
    return _defer_to_deleted(_defer_to_producer(_drop_superseded(_prefer_proven(hits)), snapshot))


def covered_objects(problem: Problem) -> tuple[Ref, ...]:
    """Return the subject of a problem and the objects that it explains."""
    return (problem.subject, *problem.explains)


def is_symptom(hit: Hit) -> bool:
    """Tell whether the subject of a hit fails because of other objects."""
    return hit.rule.role == "symptom" or bool(hit.problem.because)


def _prefer_proven(hits: Sequence[Hit]) -> list[Hit]:
    """Drop what a rule only read in a message if the same rule proved it of the same object, and exact repetitions."""
    proven = {
        (h.rule.id, ref)
        for h in hits
        if h.problem.confidence is Confidence.PROVEN
        for ref in covered_objects(h.problem)
    }
    unique: dict[tuple[str, Ref, str], Hit] = {}
    for hit in hits:
        rule, problem = hit.rule.id, hit.problem
        if problem.confidence is not Confidence.REPORTED or (rule, problem.subject) not in proven:
            unique.setdefault((rule, problem.subject, problem.key), hit)
    return list(unique.values())


def _drop_superseded(hits: Sequence[Hit]) -> list[Hit]:
    """Drop a hit if a rule that supersedes its rule covers its subject."""
    explained = {(rule, ref) for h in hits for rule in h.rule.supersedes for ref in covered_objects(h.problem)}
    return [h for h in hits if (h.rule.id, h.problem.subject) not in explained] if explained else list(hits)


def _defer_to_producer(hits: Sequence[Hit], snapshot: Snapshot) -> list[Hit]:
    """Attribute "X does not exist" to the failing Kustomization that would apply X, or the failing generator of X."""
    if not any(h.problem.missing for h in hits):
        return list(hits)
    resolved = []
    for hit in hits:
        missing, because = hit.problem.missing, hit.problem.because
        if not missing:
            resolved.append(hit)
            continue
        makers = [*snapshot.graph.generators.get(missing, ())]
        if snapshot.manifests is not None:
            makers += snapshot.manifests.producers(missing)
        failing = [
            m
            for m in makers
            if m != hit.problem.subject and snapshot.failures.of(m) and not _waits_for_subject(m, hit, snapshot)
        ]
        problem = replace(hit.problem, because=(*because, *failing)) if failing else hit.problem
        resolved.append(Hit(hit.rule, problem))
    return resolved


def _waits_for_subject(maker: Ref, hit: Hit, snapshot: Snapshot) -> bool:
    """Tell whether the maker of a missing object names the hit's subject in its messages: then the subject is the cause."""
    failure = snapshot.failures.of(maker)
    messages = " ".join(words.message for words in failure.words) if failure else ""
    return hit.problem.subject.named in messages


def _defer_to_deleted(hits: Sequence[Hit]) -> list[Hit]:
    """Attribute "X does not exist" to the rule that explains why X is gone (its owner lists it, and it was deleted).

    The hit about X itself then gets the worst severity of the hits that it causes.
    """
    own = {h.problem.subject: h for h in hits if not is_symptom(h)}
    resolved, worst = [], dict[Ref, Severity]()
    for hit in hits:
        missing = hit.problem.missing
        if missing is None or missing not in own or missing == hit.problem.subject:
            resolved.append(hit)
            continue
        severity = hit.problem.severity or hit.rule.severity
        worst[missing] = min(severity, worst.get(missing, severity), key=lambda s: s.weight)
        resolved.append(Hit(hit.rule, replace(hit.problem, because=(*hit.problem.because, missing))))
    return [_raise_severity(hit, worst) for hit in resolved] if worst else resolved


def _raise_severity(hit: Hit, worst: Mapping[Ref, Severity]) -> Hit:
    severity = worst.get(hit.problem.subject)
    own = hit.problem.severity or hit.rule.severity
    if severity is None or is_symptom(hit) or severity.weight >= own.weight:
        return hit
    return Hit(hit.rule, replace(hit.problem, severity=severity))


def failing_dependencies(snapshot: Snapshot, blocked_by: Mapping[Ref, Container[Ref]]) -> Iterator[tuple[Ref, Ref]]:
    """Yield (object, dependency) for each failing dependency of an object that waits for its dependencies.

    A controller reports only the first dependency that is not ready, and a rule reads that message (``blocked_by``: cause ->
    objects that it blocks). The other failing dependencies block the object too (kustomize-controller 1.9 and
    helm-controller 1.6 return from the loop over spec.dependsOn at the first).
    """
    failure_of = snapshot.failures.of
    for ref, dependencies in snapshot.graph.dependencies.items():
        if len(dependencies) == 1 and ref in blocked_by.get(dependencies[0], ()):
            continue
        failure = failure_of(ref)
        if failure and failure.words and failure.words[0].reason == "DependencyNotReady":
            for target in dependencies:
                other = failure_of(target)
                if other and other.state is State.FAILED:
                    yield ref, target


#: What an object needs before its controller can do anything for it.
_PREREQUISITES = (Edge.SOURCE, Edge.CHART_REF, Edge.HELM_CHART, Edge.IMAGE_REPOSITORY, Edge.INCLUDE, Edge.GENERATOR,
                  Edge.DEPENDS_ON, Edge.INPUTS, Edge.SYNC)  # fmt: skip
#: Messages that report a prerequisite as missing or not ready.
_NOT_AVAILABLE = re.compile(
    r"not ready|no artifact|artifact not found|not have an artifact|no tags in database|not found", re.I
)


def blocking_dependencies(failure: Failure, snapshot: Snapshot) -> tuple[Ref, ...]:
    """Return the failing prerequisites of an object that no hit covers, if its controller's message is about them.

    That is so if the message says that something is missing or not ready, and names the prerequisite or the prerequisite has
    no revision. An object without any status waits for a source or a generator that has produced nothing.
    """
    messages = " ".join(words.message for words in failure.words)
    if not (_NOT_AVAILABLE.search(messages) if messages else failure.state is State.NEW):
        return ()
    candidates = []
    for reference in snapshot.graph.needs(failure.ref, *_PREREQUISITES):
        other = snapshot.failures.of(reference.target)
        if other and other.state is not State.READY and reference.target != failure.ref:
            is_named = reference.target.name in messages
            candidates.append((not is_named, reference.target, is_named or not flux.revision(other.resource)))
    return tuple(dict.fromkeys(ref for _, ref, is_cause in sorted(candidates) if is_cause))
