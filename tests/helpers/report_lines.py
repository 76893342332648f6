"""A report as lines that a page can hold: each finding with what it blocks and what is stale because of it."""

from __future__ import annotations

from fluxdoctor.model.finding import Finding, Frozen, Report, Severity


def report_lines(report: Report) -> str:
    return "".join(_lines(f) for f in report.findings if f.severity is not Severity.INFO)


def _lines(finding: Finding) -> str:
    rows = [f"{finding.severity} {finding.rule} {finding.subject}: {' '.join(finding.message.split())}"]
    rows += [f"  also {', '.join(map(str, finding.also))}"] if finding.also else []
    rows += [f"  blocks {', '.join(map(str, finding.blocks))}"] if finding.blocks else []
    rows += [f"  stale {', '.join(map(_stale, finding.freezes))}"] if finding.freezes else []
    return "".join(f"{row}\n" for row in rows)


def _stale(one: Frozen) -> str:
    return f"{one.ref}{f' at {one.revision}' if one.revision else ''}{f' since {one.since:%H:%M}' if one.since else ''}"
