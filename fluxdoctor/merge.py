"""The reports of a repository's clusters as one: a fault in a base is told once, with every cluster that it breaks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from fluxdoctor.model.finding import Finding, Ignored, Report
from fluxdoctor.model.resource import Location


def merge(reports: Sequence[Report], name: str, places: Mapping[str, Callable[[str], str]] | None = None) -> Report:
    """Join the reports; the findings of each cluster stay in their order, the worst first.

    ``places``: by cluster, what turns a path of its artifact into a path of the repository.
    """
    groups: dict[tuple[object, ...], list[tuple[str, Finding]]] = {}
    hidden: dict[tuple[object, ...], list[tuple[str, Ignored]]] = {}
    for report in reports:
        place = (places or {}).get(report.name)
        for finding in report.findings:
            moved = _moved(finding, place)
            groups.setdefault(_identity(moved), []).append((report.name, moved))
        for said in report.ignored:
            moved = _moved(said.finding, place)
            identity = (*_identity(moved), said.how, said.where, said.rule)
            hidden.setdefault(identity, []).append((report.name, replace(said, finding=moved)))
    findings = [_joined(group) for group in groups.values()]
    ignored = [replace(g[0][1], finding=_joined([(name, i.finding) for name, i in g])) for g in hidden.values()]
    skipped = dict.fromkeys(s for report in reports for s in report.skipped)
    first = reports[0]
    return replace(
        first,
        name=name,
        findings=tuple(sorted(findings, key=lambda f: f.severity.weight)),
        skipped=tuple(skipped),
        objects=sum(r.objects for r in reports),
        not_ready=sum(r.not_ready for r in reports),
        deselected=sum(r.deselected for r in reports),
        ignored=tuple(sorted(ignored, key=lambda i: i.finding.severity.weight)),
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


def identities(report: Report) -> frozenset[tuple[str, str]]:
    """Return what identifies the findings, each with the clusters that it breaks, "" where it is about none."""
    return frozenset((f.fingerprint, name) for f in report.findings for name in f.clusters or ("",))


def without(report: Report, known: Collection[tuple[str, str]]) -> Report:
    """Leave out what a change did not make worse: a finding stays for the clusters that it is new in."""
    kept = []
    for finding in report.findings:
        clusters = tuple(name for name in finding.clusters or ("",) if (finding.fingerprint, name) not in known)
        if clusters:
            kept.append(replace(finding, clusters=tuple(filter(None, clusters))))
    return replace(report, findings=tuple(kept))
