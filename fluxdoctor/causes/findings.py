"""Make of each group of roots the finding that a user reads, and define the order of findings.

The order of findings: severity; an object that is visibly failing before one that is green; what a rule knows before what
none does; how many objects the cause blocks; how surely it is known; how many objects serve an old revision because of
it; rule id; subject; key. So a report never changes with the order in which facts were read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fluxdoctor.causes import stale
from fluxdoctor.causes.root_causes import FALLBACKS, Root
from fluxdoctor.model import overlays
from fluxdoctor.model.failures import Failure, quote
from fluxdoctor.model.finding import Evidence, Finding, Problem
from fluxdoctor.model.flux import Edge
from fluxdoctor.model.resource import Location
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.model.times import age
from fluxdoctor.rule import Rule, fill_for


def groups(roots: Sequence[Root]) -> list[list[Root]]:
    """Group the roots with one cause: the same ``shared`` text of one rule, or the same missing object of any rule."""
    by_cause: dict[tuple[str, str], list[Root]] = {}
    for root in sorted(roots, key=lambda r: (r.hit.rule.id, str(r.subject), r.hit.problem.key)):
        problem = root.hit.problem
        own_cause = f"{root.subject} {problem.key}"
        shared = (root.hit.rule.id, problem.shared or own_cause)
        missing = ("", f"no {problem.missing}")
        by_cause.setdefault(missing if problem.missing and not problem.shared else shared, []).append(root)
    return list(by_cause.values())


def finding(group: Sequence[Root], snapshot: Snapshot) -> Finding:
    """Make one finding of the roots with one cause."""
    lead = group[0] if len(group) == 1 else _lead(group, snapshot)
    rule, problem = lead.hit.rule, lead.hit.problem
    facts = {"subject": problem.subject, **problem.facts}
    also = tuple(sorted({r.subject for r in group} - {lead.subject}))
    blocked = frozenset().union(*(r.blocks for r in group)) - {lead.subject, *also}
    return Finding(
        rule=rule.id,
        severity=problem.severity or rule.severity,
        confidence=problem.confidence,
        subject=lead.subject,
        message=fill_for(problem, rule.message),
        fix=fill_for(problem, rule.fix),
        summary=rule.summary,
        also=also,
        evidence=_evidence(problem, snapshot),
        facts=facts,
        faults=rule.faults,
        field=problem.field or rule.field,
        location=_location(rule, problem, snapshot),
        blocks=tuple(sorted(blocked - snapshot.failures.ready)),
        freezes=stale.stale_objects((lead.subject, *also), blocked, snapshot),
        key=problem.key,
        url=rule.url,
    )


def _lead(group: Sequence[Root], snapshot: Snapshot) -> Root:
    """Return the root whose subject another member reads, because that is the object to change; else the one that blocks most."""
    ready, needs = snapshot.failures.ready, snapshot.graph.needs
    sources = {r.target for root in group for r in needs(root.subject, Edge.SOURCE, Edge.CHART_REF, Edge.HELM_CHART)}
    return min(group, key=lambda r: (r.subject not in sources, -len(r.blocks - ready), str(r.subject)))


def _evidence(problem: Problem, snapshot: Snapshot) -> tuple[Evidence, ...]:
    """Return the proof, then the controller's message about the first object that fails because of it, then for how long."""
    proof = list(problem.evidence)
    is_absent = problem.missing is not None and snapshot.cluster.is_absent(problem.missing)
    if is_absent:
        proof.append(Evidence.field(f"{problem.missing} does not exist"))
    refs = (problem.subject, *problem.explains)
    failure = next((f for ref in refs if (f := snapshot.failures.of(ref))), None)
    if failure is None:
        return tuple(dict.fromkeys(proof))
    message = failure.words[0] if failure.words else None
    # What an object says of another one that it waits for proves nothing about what it lacks itself.
    is_unrelated = is_absent and message and problem.missing and problem.missing.name not in message.message
    if message and not is_unrelated and not any(e.kind is message.kind and e.place == message.where for e in proof):
        proof.append(quote(message, failure.ref))
    return tuple(dict.fromkeys((*proof, *_history(failure, snapshot))))


def _history(failure: Failure, snapshot: Snapshot) -> Iterator[Evidence]:
    """Yield for how long an object has been failing, and whether it recovers in between."""
    if failure.since:
        yield Evidence.time(f"for {age(failure.since, snapshot.taken)}", f"{failure.ref} lastTransitionTime")
    if flaps := snapshot.failures.flaps(failure.ref):
        yield Evidence.event(f"flapping: {flaps}", f"{failure.ref} event")


def _location(rule: Rule, problem: Problem, snapshot: Snapshot) -> Location | None:
    if problem.location:
        return problem.location
    resource = snapshot.cluster.get(problem.subject)
    if resource is None:
        return None
    path = (problem.field or rule.field).replace("[", ".").replace("]", "")
    if snapshot.manifests is None:
        return resource.at(path)
    return overlays.locate(snapshot.manifests, snapshot.cluster, resource, path, snapshot.graph.parent(resource))


def order(finding_: Finding, snapshot: Snapshot) -> tuple[object, ...]:
    """Return the key by which findings are sorted."""
    subjects = (finding_.subject, *finding_.also)
    is_failing = any(snapshot.failures.of(ref) for ref in (*subjects, *finding_.blocks))
    affected = len(finding_.blocks) + len(finding_.also)
    return (
        finding_.severity.weight, not is_failing, finding_.rule in FALLBACKS, -affected, finding_.confidence.weight,
        -len(finding_.freezes), finding_.rule, str(finding_.subject), finding_.key,
    )  # fmt: skip
