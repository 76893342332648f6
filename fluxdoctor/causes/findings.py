"""What a user reads of a root, and in which order.

The order of findings: severity; an object that is visibly failing before one that is green; what a rule knows before what
none does; how many objects the cause holds back; how surely it is known; how many objects serve an old revision because of
it; rule id; subject; key. So a report never changes with the order in which facts were read.
"""

from __future__ import annotations

from collections.abc import Sequence

from fluxdoctor.causes import stale
from fluxdoctor.causes.root_causes import FALLBACKS, Root
from fluxdoctor.model import overlays
from fluxdoctor.model.failures import said
from fluxdoctor.model.finding import Evidence, Finding, Problem
from fluxdoctor.model.flux import Edge
from fluxdoctor.model.resource import Location
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.model.times import age
from fluxdoctor.rule import Rule, fill_for


def groups(roots: Sequence[Root]) -> list[list[Root]]:
    """Group the roots that share one cause: what their rule says they share, or one missing object, whichever rule says so."""
    found: dict[tuple[str, str], list[Root]] = {}
    for root in sorted(roots, key=lambda r: (r.hit.rule.id, str(r.subject), r.hit.problem.key)):
        problem = root.hit.problem
        alone = f"{root.subject} {problem.key}"
        shared = (root.hit.rule.id, problem.shared or alone)
        missing = ("", f"no {problem.missing}")
        found.setdefault(missing if problem.missing and not problem.shared else shared, []).append(root)
    return list(found.values())


def finding(group: Sequence[Root], snapshot: Snapshot) -> Finding:
    """Make one finding of the roots that share one cause: the one that another of them reads leads, else what holds back most."""
    ready = snapshot.failures.ready
    lead = group[0] if len(group) == 1 else _lead(group, snapshot)
    rule, problem = lead.hit.rule, lead.hit.problem
    facts = {"subject": problem.subject, **problem.facts}
    also = tuple(sorted({r.subject for r in group} - {lead.subject}))
    held = frozenset().union(*(r.blocks for r in group)) - {lead.subject, *also}
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
        blocks=tuple(sorted(held - ready)),
        freezes=stale.frozen((lead.subject, *also), held, snapshot),
        key=problem.key,
        url=rule.url,
    )


def _lead(group: Sequence[Root], snapshot: Snapshot) -> Root:
    """Choose the subject that another one takes its content from, for what is to be changed stands there; else the worst."""
    ready, needs = snapshot.failures.ready, snapshot.graph.needs
    read = {r.target for root in group for r in needs(root.subject, Edge.SOURCE, Edge.CHART_REF, Edge.HELM_CHART)}
    return min(group, key=lambda r: (r.subject not in read, -len(r.blocks - ready), str(r.subject)))


def _evidence(problem: Problem, snapshot: Snapshot) -> tuple[Evidence, ...]:
    """The proof, then the controller's words about the first object that fails because of it, then since when."""
    found = list(problem.evidence)
    absent = problem.missing is not None and snapshot.cluster.is_absent(problem.missing)
    if absent:
        found.append(Evidence(f"{problem.missing} was looked for and is not there"))
    failure = next((f for ref in (problem.subject, *problem.explains) if (f := snapshot.failures.of(ref))), None)
    # What an object says of another that it waits for proves nothing of what it lacks itself.
    first = failure.words[0] if failure and failure.words else None
    other = absent and first and problem.missing and problem.missing.name not in first.message
    if failure and failure.words and not other and not any(f.where.endswith(failure.words[0].where) for f in found):
        found.append(said(failure.words[0], failure.ref))
    if failure and failure.since:
        found.append(Evidence(f"since {age(failure.since, snapshot.taken)}", f"{failure.ref} lastTransitionTime"))
    if failure and (times := snapshot.failures.flaps(failure.ref)):
        found.append(Evidence(f"flapping: {times}", f"{failure.ref} event"))
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
    return overlays.locate(snapshot.manifests, snapshot.cluster, resource, path, snapshot.graph.parent(resource))


def order(found: Finding, snapshot: Snapshot) -> tuple[object, ...]:
    """Return the key by which findings are sorted."""
    failing = any(snapshot.failures.of(ref) for ref in (found.subject, *found.also, *found.blocks))
    held = len(found.blocks) + len(found.also)
    return (
        found.severity.weight, not failing, found.rule in FALLBACKS, -held, found.confidence.weight, -len(found.freezes),
        found.rule, str(found.subject), found.key,
    )  # fmt: skip
