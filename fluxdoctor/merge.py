"""The reports of a repository's clusters as one: a fault in a base is told once, with every cluster that it breaks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from fluxdoctor.model.finding import Finding, Report, Skipped
from fluxdoctor.model.resource import Location


def merge(reports: Sequence[Report], name: str, places: Mapping[str, Callable[[str], str]] | None = None) -> Report:
    """Join the reports; the findings of each cluster stay in their order, the worst first.

    ``places``: by cluster, what turns a path of its artifact into a path of the repository.
    """
    groups: dict[tuple[object, ...], list[tuple[str, Finding]]] = {}
    for report in reports:
        for finding in report.findings:
            moved = _moved(finding, (places or {}).get(report.name))
            groups.setdefault(_identity(moved), []).append((report.name, moved))
    findings = [_joined(group) for group in groups.values()]
    skipped = dict.fromkeys(s for report in reports for s in report.skipped)
    first = reports[0]
    return replace(
        first,
        name=name,
        findings=tuple(sorted(findings, key=lambda f: f.severity.weight)),
        skipped=tuple(skipped),
        objects=sum(r.objects for r in reports),
        not_ready=sum(r.not_ready for r in reports),
        versions=first.versions if all(r.versions == first.versions for r in reports) else {},
    )


def _identity(finding: Finding) -> tuple[object, ...]:
    at = finding.location
    if at and at.line:
        return finding.rule, at, finding.key
    return finding.rule, finding.subject, finding.key, at


def _joined(group: Sequence[tuple[str, Finding]]) -> Finding:
    """One finding for all clusters; the subjects that differ are listed beside the first."""
    lead = group[0][1]
    others = {ref for _, f in group for ref in (f.subject, *f.also)} - {lead.subject}
    blocks = {ref for _, f in group for ref in f.blocks} - others - {lead.subject}
    clusters = tuple(dict.fromkeys(name for name, _ in group))
    return replace(lead, also=tuple(sorted(others)), blocks=tuple(sorted(blocks)), clusters=clusters)


def _moved(finding: Finding, place: Callable[[str], str] | None) -> Finding:
    """Tell the place from the root of the repository, not of the artifact."""
    at = finding.location
    if at is None or place is None:
        return finding
    return replace(finding, location=Location(place(at.file), at.line, at.column))


def without(report: Report, known: Collection[str]) -> Report:
    """Leave the findings out whose fingerprint is known: what a change did not make worse."""
    return replace(report, findings=tuple(f for f in report.findings if f.fingerprint not in known))


def noted(report: Report, skipped: Sequence[Skipped]) -> Report:
    """Add what was not checked."""
    return replace(report, skipped=(*report.skipped, *skipped))
