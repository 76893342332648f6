"""Run rules over a Snapshot. Pure: no I/O, no clock, no state."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from fluxdoctor.model import flux, helm, object_names, probe_text
from fluxdoctor.model.failures import Failure, Words, quote
from fluxdoctor.model.finding import Confidence, Fact, Problem, Severity, Skipped, Unknown
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import TERMINATING, Hit, Outcome, Rule, fill, fill_for

_SPACE = re.compile(r"\s+")
#: A message can quote a whole object. The text that identifies a fault is at its beginning or its end. Without these limits
#: (in characters), patterns that try every start and every end would take minutes.
_HEAD, _TAIL, _WORD = 2_500, 1_000, 240
_LONG_WORD = re.compile(rf"\S{{{_WORD + 1},}}")
#: (kind, reason, message) -> the rule that recognises it, and the match.
_Cache = dict[tuple[str, str, str], tuple[Rule, re.Match[str]] | None]


def select(rules: Iterable[Rule], only: Sequence[str] = (), ignore: Sequence[str] = ()) -> tuple[Rule, ...]:
    """Return the rules whose id matches a glob of ``only`` (all if empty) and none of ``ignore``; an area means ``area/*``."""

    def matches(rule: Rule, globs: Sequence[str]) -> bool:
        return any(fnmatch.fnmatchcase(rule.id, glob) or rule.area == glob for glob in globs)

    return tuple(r for r in rules if (not only or matches(r, only)) and not matches(r, ignore))


def run(rules: Sequence[Rule], snapshot: Snapshot) -> Outcome:
    """Run every rule of the snapshot's mode: its check over the facts that it names, its patterns over the messages."""
    rules = [r for r in rules if snapshot.mode in r.modes]
    hits: list[Hit] = []
    skipped: list[Skipped] = []
    for rule in rules:
        if rule.check:
            _check(rule, snapshot, hits, skipped)
    hits += _messages(rules, snapshot)
    hits = [hit for hit in hits if not _accuses_terminating(hit, snapshot)]
    hits = [_add_probe(_lower_suspended(hit, snapshot), snapshot) for hit in hits]
    return Outcome(tuple(hits), tuple(sorted(set(skipped), key=str)))


def _accuses_terminating(hit: Hit, snapshot: Snapshot) -> bool:
    """Tell whether a hit is an error or warning about an object that is being deleted, while its controller may clean up.

    The objects to which it refers are often deleted before it, and a prune in progress must not page anyone.
    """
    rule, problem = hit.rule, hit.problem
    if TERMINATING in rule.speaks_of or (problem.severity or rule.severity) is Severity.INFO:
        return False
    subject = snapshot.cluster.get(problem.subject)
    return subject is not None and flux.is_in_deletion_grace(subject, snapshot.taken)


def _lower_suspended(hit: Hit, snapshot: Snapshot) -> Hit:
    """Return the hit as a note if it says that a suspended object refers to an object that does not exist.

    No controller reads the reference until somebody resumes the object, who suspended it on purpose.
    """
    subject = snapshot.cluster.get(hit.problem.subject) if hit.problem.missing else None
    if subject is None or not flux.is_suspended(subject):
        return hit
    return Hit(hit.rule, replace(hit.problem, severity=Severity.INFO))


def _add_probe(hit: Hit, snapshot: Snapshot) -> Hit:
    """Add our own probe of a failing source to the evidence of a hit.

    If it agrees with the controller's message, the confidence becomes PROVEN.
    """
    rule, problem = hit.rule, hit.problem
    probe = snapshot.probes.of(problem.subject) if snapshot.probes and rule.answers is not None else None
    if rule.answers is None or probe is None or not probe_text.words(probe):
        return hit
    agrees = problem.confidence is Confidence.REPORTED and probe.answer in rule.answers
    problem = replace(
        problem,
        evidence=(*problem.evidence, probe_text.evidence(probe, snapshot.taken)),
        confidence=Confidence.PROVEN if agrees else problem.confidence,
    )
    return Hit(rule, problem)


def _check(rule: Rule, snapshot: Snapshot, hits: list[Hit], skipped: list[Skipped]) -> None:
    facts = snapshot.facts
    missing = [snapshot.why_missing(n.fact) for n in rule.needs if n.fact not in facts and not n.optional]
    if missing:
        if all(missing):  # "": the fact was not requested, so there is nothing to report
            skipped.append(Skipped(rule.id, None, missing[0], asked=False))
        return
    assert rule.check  # noqa: S101 - the caller has checked it
    try:
        for result in rule.check(**{n.name: facts.get(n.fact) for n in rule.needs}):
            if isinstance(result, Unknown):
                skipped.append(Skipped(rule.id, result.subject, result.why, gap=result.gap))
            else:
                fill_for(result, rule.message + rule.fix)
                hits.append(Hit(rule, result))
    except Exception as error:  # noqa: BLE001 - one rule that raises must not end the run
        # The exception's text may quote anything that the rule read. Its type and position are enough to find the bug.
        skipped.append(Skipped(rule.id, None, f"the rule raised {type(error).__name__}{_position(error)}"))


def _position(error: Exception) -> str:
    """Return `` at <file>:<line>`` of where an exception was raised, "" if that is unknown."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f" at {trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else ""


def _messages(rules: Sequence[Rule], snapshot: Snapshot) -> list[Hit]:
    """Return at most one hit for each failing object, of the rule that recognises its messages best."""
    rules_with_patterns = [r for r in rules if r.reads]
    cache: _Cache = {}
    hits = (_best_hit(failure, rules_with_patterns, cache) for failure in snapshot.failures.failed)
    return [hit for hit in hits if hit]


def _best_hit(failure: Failure, rules: Sequence[Rule], cache: _Cache) -> Hit | None:
    """Return the hit of the rule with the lowest rank; among equals, of the more direct message, then of the lower id."""
    candidates = []
    for i, words in enumerate(failure.words):
        key = (failure.resource.kind, words.reason, words.message)
        if key not in cache:
            cache[key] = recognise(rules, *key)
        if recognition := cache[key]:
            rule, match = recognition
            candidates.append((rule.rank, i, rule.id, rule, match, words))
    if not candidates:
        return None
    *_, rule, match, words = min(candidates, key=lambda candidate: candidate[:3])
    return _reported_hit(failure, rule, match, words)


def recognise(rules: Sequence[Rule], kind: str, reason: str, message: str) -> tuple[Rule, re.Match[str]] | None:
    """Return the rule of the lowest rank whose pattern matches a controller's message, and the match."""
    message = _bounded(message)
    flat = _SPACE.sub(" ", message).strip()
    candidates = []
    for rule in rules:
        if (rule.kinds and kind not in rule.kinds) or (rule.reasons and reason not in rule.reasons):
            continue
        if rule.exception and (rule.exception.search(message) or rule.exception.search(flat)):
            continue
        for pattern in rule.patterns:
            if match := pattern.search(message) or pattern.search(flat):
                candidates.append((rule.rank, rule.id, rule, match))
                break
    return min(candidates, key=lambda candidate: candidate[:2])[2:] if candidates else None


def _bounded(message: str) -> str:
    """Return a message without the middle of a long text and of long words, and without lone surrogates, which RE2 refuses."""
    message = message if message.isascii() else message.encode("utf-8", "replace").decode()
    if len(message) > _HEAD + _TAIL:
        message = f"{message[:_HEAD]} ... {message[-_TAIL:]}"
    return _LONG_WORD.sub(lambda word: f"{word[0][: _WORD - 40]}...{word[0][-40:]}", message)


def _refs(templates: Sequence[str], facts: Mapping[str, Fact], namespace: str) -> tuple[Ref, ...]:
    """Return the objects that ``Kind/namespace/name`` templates name; the namespace of the subject is the default."""
    refs = []
    for template in templates:
        parts = fill(template, facts).split("/")
        if len(parts) == 3 and parts[0] and parts[2]:  # noqa: PLR2004 - kind, namespace, name
            refs.append(Ref(parts[0], "" if parts[0] in flux.CLUSTER_SCOPED else parts[1] or namespace, parts[2]))
    return tuple(refs)


def _shared_facts(facts: Mapping[str, Fact], ref: Ref) -> dict[str, Fact]:
    """Return the facts that differ in the template ``shared``: the Secret with its namespace, and one name of Docker Hub."""
    secret, host = str(facts["secret"]), str(facts["host"])
    secrets = {} if secret == flux.NO_SECRET else {"secret": f"{ref.namespace}/{secret}"}
    return {**secrets, "host": flux.DOCKER_HUB[0] if host in flux.DOCKER_HUB else host}


def _default(text: str, about: Mapping[str, Fact]) -> Fact:
    """Return the value of a default: a text that is only ``{chart}`` is replaced by the fact of that name."""
    return about.get(text[1:-1], text) if text.startswith("{") and text.endswith("}") else text


def _namespace(resource: Resource) -> str:
    """Return the namespace of the objects that a Flux object applies, "" if it does not set one."""
    return helm.release_namespace(resource) if resource.kind == "HelmRelease" else resource.text("spec.targetNamespace")


def _reported_hit(failure: Failure, rule: Rule, match: re.Match[str], words: Words) -> Hit | None:
    """Return the hit of a rule that recognised a message; None if a fact of its templates is missing."""
    ref = failure.ref
    # helm-controller generates a HelmChart, so the object to change is the HelmRelease.
    maker = flux.owner(failure.resource) if ref.kind == "HelmChart" else None
    texts = {k: " ".join(v.split()) for k, v in match.groupdict().items() if v}
    groups = object_names.canonical(texts, _namespace(failure.resource))
    about: dict[str, Fact] = {**dict.fromkeys(match.groupdict(), ""), **flux.about(failure.resource)}
    try:
        facts = {
            **about,
            **{name: _default(text, {**about, "namespace": ref.namespace}) for name, text in rule.defaults.items()},
            **groups,
        }
        problem = Problem(
            maker or ref,
            facts,
            explains=(ref,) if maker else (),
            evidence=(quote(words, failure.resource.ref),),
            field=rule.field,
            because=_refs(rule.because, facts, ref.namespace),
            shared=fill(rule.shared, {**facts, **_shared_facts(facts, ref)}),
            missing=next(iter(_refs((rule.missing,), facts, ref.namespace)), None) if rule.missing else None,
            confidence=Confidence.REPORTED,
        )
        fill_for(problem, rule.message + rule.fix)
    except (KeyError, IndexError):
        return None
    return Hit(rule, problem)
