"""A short summary of the findings that ignores or the baseline hide."""

from __future__ import annotations

from collections.abc import Iterator

from fluxdoctor.model.finding import Report
from fluxdoctor.report import state
from fluxdoctor.report.plain import plain


def counted(report: Report) -> str:
    """Return how many findings the report leaves out, by reason, and what ignored ones block; "" if it has them all."""
    accepted = [i for i in report.ignored if i.how == "baseline"]
    others = len(report.ignored) - len(accepted)
    blocked = {ref for i in report.ignored for ref in i.finding.blocks}
    parts = [f"{others} ignored" if others else "", f"{len(accepted)} in the baseline" if accepted else ""]
    counts = ", ".join(filter(None, parts)) + (f" (blocking {len(blocked)})" if blocked else "")
    deselected = f"{report.deselected} ignored by rule selection" if report.deselected else ""
    return ", ".join(filter(None, (counts, deselected)))


def no_finding(report: Report, *, is_ready: bool) -> str:
    """Return what to say of an object that no shown finding affects: an ignored finding may explain why it is not ready."""
    left_out = counted(report)
    if not is_ready:
        return f"not ready, but no cause is shown{left_out and ': '}{left_out}"
    return f"not affected by any finding{left_out and f' ({left_out})'}"


def notice(report: Report) -> str:
    """Return one line for formats that list only findings: what the report leaves out, and what is not ready; "" if nothing."""
    left_out = counted(report)
    if not left_out:
        return ""
    unit = "object" if report.not_ready == 1 else "objects"
    return f"{report.not_ready} {unit} {state.failing(report)}; findings not shown: {left_out}"


def lines(report: Report) -> Iterator[str]:
    """Yield a line for each finding that an ignore hides: the finding, the reason and the place of the ignore."""
    for ignored in report.ignored:
        if ignored.how != "baseline":
            finding = ignored.finding
            yield plain(f"{finding.rule} {finding.subject}: {ignored.reason or 'no reason'} ({ignored.where})")
