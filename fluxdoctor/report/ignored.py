"""What a report leaves out, told in a few words: an ignore hides a finding, not the truth."""

from __future__ import annotations

from collections.abc import Iterator

from fluxdoctor.model.finding import Report
from fluxdoctor.report.plain import plain


def counted(report: Report) -> str:
    """Return how many findings the report leaves out, by reason, and what ignored ones block; "" if it has them all."""
    in_baseline = sum(i.how == "baseline" for i in report.ignored)
    others = len(report.ignored) - in_baseline
    blocked = {ref for i in report.ignored for ref in i.finding.blocks}
    ignored = ", ".join(
        filter(None, [f"{others} ignored" if others else "", f"{in_baseline} in the baseline" if in_baseline else ""])
    )
    ignored += f" (blocking {len(blocked)})" if blocked else ""
    deselected = f"{report.deselected} left out by rule selection" if report.deselected else ""
    return ", ".join(filter(None, (ignored, deselected)))


def lines(report: Report) -> Iterator[str]:
    """Yield a line for each finding that an ignore hides: what, why, and where that is said."""
    for ignored in report.ignored:
        if ignored.how != "baseline":
            finding = ignored.finding
            subject = f"{finding.subject.kind} {finding.subject.named}"
            yield plain(f"{finding.rule} {subject}: {ignored.reason or 'no reason'} ({ignored.where})")
