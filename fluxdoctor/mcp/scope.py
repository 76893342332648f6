"""The part of a reading that is asked about: a namespace, or one object with the ways to its causes."""

from __future__ import annotations

from dataclasses import dataclass

from mcp.server.mcpserver.exceptions import ToolError

from fluxdoctor.mcp import arguments
from fluxdoctor.mcp.sessions import CachedDiagnosis
from fluxdoctor.model.chain import Chain, chains
from fluxdoctor.model.finding import Finding, Severity, Verdict
from fluxdoctor.model.resource import Ref, Resource


@dataclass(frozen=True)
class DiagnosisScope:
    """What is told of it. ``target`` is the object, in full, and ``resource`` that object where it was seen."""

    findings: tuple[Finding, ...]
    objects: int
    not_ready: int
    verdict: Verdict
    target: Ref | None = None
    resource: Resource | None = None
    ways: tuple[Chain, ...] = ()


def part(of: CachedDiagnosis, target: Ref | None, namespace: str) -> DiagnosisScope:
    """Return a part of a reading. Raises ToolError where it has no such object or namespace."""
    if target:
        return _of_object(of, target)
    report, snapshot = of.report, of.snapshot
    if not namespace:
        return DiagnosisScope(report.findings, report.objects, report.not_ready, report.verdict)
    found = tuple(f for f in report.findings if any(_is_in(namespace, ref) for ref in _touched(f)))
    if snapshot is None:
        return DiagnosisScope(found, report.objects, report.not_ready, _verdict(of, found))
    arguments.namespace(namespace, snapshot.cluster)
    return DiagnosisScope(
        found,
        sum(resource.namespace == namespace for resource in snapshot.cluster.flux),
        sum(failure.resource.namespace == namespace for failure in snapshot.failures.failed),
        _verdict(of, found),
    )


def _of_object(of: CachedDiagnosis, target: Ref) -> DiagnosisScope:
    report, snapshot = of.report, of.snapshot
    if snapshot is None:
        raise ToolError("a repository is checked as a whole: leave kind and name out")
    # What is missing is the cause of something where a finding names it.
    told = any(target in _touched(finding) for finding in report.findings)
    meant = target if told else arguments.thing(target, snapshot.cluster)
    ways = chains(meant, report, snapshot)
    found = tuple(way.finding for way in ways)
    failed = any(failure.resource.ref == meant for failure in snapshot.failures.failed)
    resource = snapshot.cluster.get(meant)
    return DiagnosisScope(found, 1 if resource else 0, 1 if failed else 0, _verdict(of, found), meant, resource, ways)


def _verdict(of: CachedDiagnosis, found: tuple[Finding, ...]) -> Verdict:
    """The verdict on a part: that something else is broken says nothing of it, that not all was seen does."""
    if any(finding.severity is not Severity.INFO for finding in found):
        return Verdict.BROKEN
    return Verdict.INCOMPLETE if any(s.asked for s in of.report.skipped) else Verdict.HEALTHY


def _touched(finding: Finding) -> tuple[Ref, ...]:
    return (finding.subject, *finding.also, *finding.blocks, *(frozen.ref for frozen in finding.freezes))


def _is_in(namespace: str, ref: Ref) -> bool:
    return namespace in (ref.namespace, ref.name if ref.kind == "Namespace" else "")
