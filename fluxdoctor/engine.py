"""Runs rules over a Snapshot. Pure: no I/O, no clock, no state."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from fluxdoctor.model import flux, probe_text
from fluxdoctor.model.failures import Failure, Words, said
from fluxdoctor.model.finding import Confidence, Fact, Problem, Severity, Skipped, Unknown
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.rule import TERMINATING, Hit, Outcome, Rule, fill, fill_for

_SPACE = re.compile(r"\s+")
#: A message can quote a whole object. What names a fault stands at its beginning or at its end; with words and messages
#: of any length, patterns that try each beginning and each end would take minutes.
_HEAD, _TAIL, _WORD = 2_500, 1_000, 240
_LONG_WORD = re.compile(rf"\S{{{_WORD + 1},}}")


def select(rules: Iterable[Rule], only: Sequence[str] = (), ignore: Sequence[str] = ()) -> tuple[Rule, ...]:
    """Keep the rules whose id matches a glob of ``only`` (all when empty) and none of ``ignore``; an area is ``area/*``."""

    def matches(rule: Rule, globs: Sequence[str]) -> bool:
        return any(fnmatch.fnmatchcase(rule.id, g) or rule.area == g for g in globs)

    return tuple(r for r in rules if (not only or matches(r, only)) and not matches(r, ignore))


def run(rules: Sequence[Rule], snapshot: Snapshot) -> Outcome:
    """Run every rule of the snapshot's mode: the checks over the facts they name, the patterns over the messages."""
    rules = [r for r in rules if snapshot.mode in r.modes]
    hits: list[Hit] = []
    skipped: list[Skipped] = []
    for rule in rules:
        if rule.check:
            _check(rule, snapshot, hits, skipped)
    hits += _messages(rules, snapshot)
    hits = [hit for hit in hits if not _accuses_terminating(hit, snapshot)]
    hits = [_probed(hit, snapshot) for hit in hits]
    return Outcome(tuple(hits), tuple(sorted(set(skipped), key=str)))


def _accuses_terminating(hit: Hit, snapshot: Snapshot) -> bool:
    """Tell whether a hit is an error or warning about an object that is being deleted, while its controller may clean up.

    What such an object refers to is often gone before it: a prune that is under way must not page anyone.
    """
    rule, problem = hit.rule, hit.problem
    if TERMINATING in rule.speaks_of or (problem.severity or rule.severity) is Severity.INFO:
        return False
    subject = snapshot.cluster.get(problem.subject)
    return subject is not None and flux.is_in_deletion_grace(subject, snapshot.taken)


def _probed(hit: Hit, snapshot: Snapshot) -> Hit:
    """Put our own probe of a failing source beside what its controller says: proof where both agree."""
    rule, problem = hit.rule, hit.problem
    probe = snapshot.probes.of(problem.subject) if snapshot.probes and rule.answers is not None else None
    if rule.answers is None or probe is None or not probe_text.words(probe):
        return hit
    agree = problem.confidence is Confidence.REPORTED and probe.answer in rule.answers
    told = replace(
        problem,
        evidence=(*problem.evidence, probe_text.evidence(probe, snapshot.taken)),
        confidence=Confidence.PROVEN if agree else problem.confidence,
    )
    return Hit(rule, told)


def _check(rule: Rule, snapshot: Snapshot, hits: list[Hit], skipped: list[Skipped]) -> None:
    facts = snapshot.facts
    missing = [snapshot.lacking(n.fact) for n in rule.needs if n.fact not in facts and not n.optional]
    if missing:
        if all(missing):  # a question that nobody asked is no gap
            skipped.append(Skipped(rule.id, None, missing[0], asked=False))
        return
    assert rule.check  # noqa: S101 - the caller looked
    try:
        for said in rule.check(**{n.name: facts.get(n.fact) for n in rule.needs}):
            if isinstance(said, Unknown):
                skipped.append(Skipped(rule.id, said.subject, said.why, gap=said.gap))
            else:
                fill_for(said, rule.message + rule.fix)
                hits.append(Hit(rule, said))
    except Exception as error:  # noqa: BLE001 - one rule that raises must not end the run
        # The exception's text may quote anything that the rule read: its type and place are enough to find the bug.
        skipped.append(Skipped(rule.id, None, f"the rule failed: {type(error).__name__}{_place(error)}"))


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f" at {trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else ""


def _messages(rules: Sequence[Rule], snapshot: Snapshot) -> list[Hit]:
    readers = [r for r in rules if r.reads]
    hits = []
    cache: dict[tuple[str, str, str], tuple[Rule, re.Match[str]] | None] = {}
    for failure in snapshot.failures.failed:
        if hit := _best(failure, readers, cache):
            hits.append(hit)
    return hits


def _best(
    failure: Failure,
    rules: Sequence[Rule],
    cache: dict[tuple[str, str, str], tuple[Rule, re.Match[str]] | None],
) -> Hit | None:
    """The lowest rank wins; among equals the more direct message, then the id: one message, one rule."""
    best: tuple[int, int, str] | None = None
    chosen: tuple[Rule, re.Match[str], Words] | None = None
    for i, words in enumerate(failure.words):
        key = (failure.resource.kind, words.reason, words.message)
        if key not in cache:
            cache[key] = recognise(rules, *key)
        if not (found := cache[key]):
            continue
        order = (found[0].rank, i, found[0].id)
        if best is None or order < best:
            best, chosen = order, (*found, words)
    return _problem(failure, *chosen) if chosen else None


def recognise(rules: Sequence[Rule], kind: str, reason: str, message: str) -> tuple[Rule, re.Match[str]] | None:
    """Return the rule of the lowest rank whose pattern matches a controller's message, and the match."""
    message = _bounded(message)
    flat = _SPACE.sub(" ", message).strip()
    found = []
    for rule in rules:
        if (rule.kinds and kind not in rule.kinds) or (rule.reasons and reason not in rule.reasons):
            continue
        for pattern in rule.patterns:
            if match := pattern.search(message) or pattern.search(flat):
                found.append((rule.rank, rule.id, rule, match))
                break
    return min(found, key=lambda f: f[:2])[2:] if found else None


def _bounded(message: str) -> str:
    """Return a message as patterns read it: long words and the middle of a long text left out."""
    if len(message) > _HEAD + _TAIL:
        message = f"{message[:_HEAD]} ... {message[-_TAIL:]}"
    return _LONG_WORD.sub(lambda word: f"{word[0][: _WORD - 40]}...{word[0][-40:]}", message)


def _refs(templates: Sequence[str], facts: Mapping[str, Fact], own: str) -> tuple[Ref, ...]:
    found = []
    for template in templates:
        parts = fill(template, facts).split("/")
        if len(parts) == 3 and parts[0] and parts[2]:  # noqa: PLR2004 - kind, namespace, name
            found.append(Ref(parts[0], "" if parts[0] in flux.CLUSTER_SCOPED else parts[1] or own, parts[2]))
    return tuple(found)


def _in_common(facts: Mapping[str, Fact], ref: Ref) -> dict[str, Fact]:
    """Two Secrets of one name in two namespaces are two; Docker Hub has several names."""
    secret, host = str(facts["secret"]), str(facts["host"])
    named = {} if secret == flux.NO_SECRET else {"secret": f"{ref.namespace}/{secret}"}
    return {**named, "host": flux.DOCKER_HUB[0] if host in flux.DOCKER_HUB else host}


def _default(text: str, about: Mapping[str, Fact]) -> Fact:
    """Return the text of a default; one that is no more than {chart} takes what is known by that name."""
    return about.get(text[1:-1], text) if text.startswith("{") and text.endswith("}") else text


def _problem(failure: Failure, rule: Rule, match: re.Match[str], words: Words) -> Hit | None:
    ref = failure.ref
    # helm-controller generates a HelmChart: what there is to change stands in the HelmRelease.
    maker = flux.owner(failure.resource) if ref.kind == "HelmChart" else None
    groups = {k: " ".join(v.split()) for k, v in match.groupdict().items() if v}
    about: dict[str, Fact] = {**dict.fromkeys(match.groupdict(), ""), **flux.about(failure.resource)}
    try:
        facts = {**about, **{name: _default(text, about) for name, text in rule.defaults.items()}, **groups}
        problem = Problem(
            maker or ref,
            facts,
            explains=(ref,) if maker else (),
            evidence=(said(words, failure.resource.ref),),
            field=rule.field,
            because=_refs(rule.because, facts, ref.namespace),
            shared=fill(rule.shared, {**facts, **_in_common(facts, ref)}),
            missing=next(iter(_refs((rule.missing,), facts, ref.namespace)), None) if rule.missing else None,
            confidence=Confidence.REPORTED,
        )
        fill_for(problem, rule.message + rule.fix)
    except (KeyError, IndexError):
        return None
    return Hit(rule, problem)
