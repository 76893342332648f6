"""Merges the reports of a repository's clusters: a fault in a shared base is one finding that lists every affected cluster."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from fluxdoctor.model.finding import Finding, Ignored, Report
from fluxdoctor.model.resource import Location


def merge(reports: Sequence[Report], name: str, places: Mapping[str, Callable[[str], str]] | None = None) -> Report:
    """Merge the reports into one. Findings are sorted by severity; those of one severity keep the order of their reports.

    ``places``: by cluster, the function that converts a path of its artifact into a path of the repository.
    """
    groups: dict[tuple[object, ...], list[tuple[str, Finding]]] = {}
    hidden: dict[tuple[object, ...], list[tuple[str, Ignored]]] = {}
    for report in reports:
        place = (places or {}).get(report.name)
        for finding in report.findings:
            relocated = _relocate(finding, place)
            groups.setdefault(_identity(relocated), []).append((report.name, relocated))
        for entry in report.ignored:
            relocated = _relocate(entry.finding, place)
            identity = (*_identity(relocated), entry.how, entry.where, entry.rule)
            hidden.setdefault(identity, []).append((report.name, replace(entry, finding=relocated)))
    findings = [_join(group) for group in groups.values()]
    ignored = [replace(g[0][1], finding=_join([(name, i.finding) for name, i in g])) for g in hidden.values()]
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
    """Return the key of a finding across clusters: its line in the repository, or its object if no line is known."""
    at = finding.location
    if at and at.line:
        return finding.rule, at, finding.key
    return finding.rule, finding.subject, finding.key, at


def _join(group: Sequence[tuple[str, Finding]]) -> Finding:
    """Return one finding for all clusters; the subjects of the others go into ``also``."""
    lead = group[0][1]
    others = {ref for _, f in group for ref in (f.subject, *f.also)} - {lead.subject}
    blocks = {ref for _, f in group for ref in f.blocks} - others - {lead.subject}
    clusters = tuple(dict.fromkeys(name for name, _ in group))
    return replace(lead, also=tuple(sorted(others)), blocks=tuple(sorted(blocks)), clusters=clusters)


def _relocate(finding: Finding, place: Callable[[str], str] | None) -> Finding:
    """Return the finding with its location relative to the root of the repository, not of the artifact."""
    at = finding.location
    if at is None or place is None:
        return finding
    return replace(finding, location=Location(place(at.file), at.line, at.column))


def identities(report: Report) -> frozenset[tuple[str, str]]:
    """Return (fingerprint, cluster) of each finding, once for each affected cluster; the cluster is "" if it has none."""
    return frozenset((f.fingerprint, name) for f in report.findings for name in f.clusters or ("",))


def without(report: Report, earlier: Collection[tuple[str, str]]) -> Report:
    """Return the report without the ``earlier`` findings. A finding stays for the clusters in which it is new."""
    findings = []
    for finding in report.findings:
        clusters = tuple(name for name in finding.clusters or ("",) if (finding.fingerprint, name) not in earlier)
        if clusters:
            findings.append(replace(finding, clusters=tuple(filter(None, clusters))))
    return replace(report, findings=tuple(findings))
