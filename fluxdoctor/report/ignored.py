"""What a report leaves out, told in a few words: an ignore hides a finding, not the truth."""

from __future__ import annotations

from collections.abc import Iterator

from fluxdoctor.model.finding import Report
from fluxdoctor.report.plain import plain


def counted(report: Report) -> str:
    """Return how many findings are ignored, how many are in a baseline, and what they hold back; "" where none is."""
    known = [i for i in report.ignored if i.how == "baseline"]
    others = len(report.ignored) - len(known)
    held = {ref for i in report.ignored for ref in i.finding.blocks}
    parts = [f"{others} ignored" if others else "", f"{len(known)} in the baseline" if known else ""]
    said = ", ".join(filter(None, parts))
    return f"{said} (blocking {len(held)})" if held else said


def lines(report: Report) -> Iterator[str]:
    """Yield a line for each finding that an ignore hides: what, why, and where that is said."""
    for ignored in report.ignored:
        if ignored.how != "baseline":
            finding = ignored.finding
            subject = f"{finding.subject.kind} {finding.subject.named}"
            yield plain(f"{finding.rule} {subject}: {ignored.reason or 'no reason'} ({ignored.where})")
