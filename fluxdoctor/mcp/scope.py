"""The part of a diagnosis that a query is about: a namespace, or one object with the chains to its causes."""

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
    """The findings and counts of the part. ``target``: the object, in full; ``resource``: that object, if it was read."""

    findings: tuple[Finding, ...]
    objects: int
    not_ready: int
    verdict: Verdict
    target: Ref | None = None
    resource: Resource | None = None
    ways: tuple[Chain, ...] = ()


def part(diagnosis: CachedDiagnosis, target: Ref | None, namespace: str) -> DiagnosisScope:
    """Return a part of a diagnosis. Raises ToolError if the object or namespace does not exist."""
    if target:
        return _of_object(diagnosis, target)
    report, snapshot = diagnosis.report, diagnosis.snapshot
    if not namespace:
        return DiagnosisScope(report.findings, report.objects, report.not_ready, report.verdict)
    findings = tuple(f for f in report.findings if any(_is_in(namespace, ref) for ref in _touched(f)))
    if snapshot is None:
        return DiagnosisScope(findings, report.objects, report.not_ready, _verdict(diagnosis, findings))
    arguments.namespace(namespace, snapshot.cluster)
    return DiagnosisScope(
        findings,
        sum(resource.namespace == namespace for resource in snapshot.cluster.flux),
        sum(failure.resource.namespace == namespace for failure in snapshot.failures.failed),
        _verdict(diagnosis, findings),
    )


def _of_object(diagnosis: CachedDiagnosis, target: Ref) -> DiagnosisScope:
    report, snapshot = diagnosis.report, diagnosis.snapshot
    if snapshot is None:
        raise ToolError("a repository can only be checked as a whole; omit kind and name")
    # A missing object can be a cause, if a finding names it.
    is_target = any(target in _touched(finding) for finding in report.findings)
    meant = target if is_target else arguments.thing(target, snapshot.cluster)
    ways = chains(meant, report, snapshot)
    findings = tuple(way.finding for way in ways)
    failed = any(failure.resource.ref == meant for failure in snapshot.failures.failed)
    resource = snapshot.cluster.get(meant)
    return DiagnosisScope(
        findings, 1 if resource else 0, 1 if failed else 0, _verdict(diagnosis, findings), meant, resource, ways
    )


def _verdict(diagnosis: CachedDiagnosis, findings: tuple[Finding, ...]) -> Verdict:
    """Return the verdict on a part: findings elsewhere do not count, but gaps anywhere do."""
    if any(finding.severity is not Severity.INFO for finding in findings):
        return Verdict.BROKEN
    return Verdict.INCOMPLETE if any(s.asked for s in diagnosis.report.skipped) else Verdict.HEALTHY


def _touched(finding: Finding) -> tuple[Ref, ...]:
    return (finding.subject, *finding.also, *finding.blocks, *(frozen.ref for frozen in finding.freezes))


def _is_in(namespace: str, ref: Ref) -> bool:
    return namespace in (ref.namespace, ref.name if ref.kind == "Namespace" else "")
