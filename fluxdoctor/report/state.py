"""The words for a report's objects and verdict. A repository is not deployed yet: its broken objects *would* fail."""

from __future__ import annotations

from fluxdoctor.model.finding import Report, Severity


def failing(report: Report) -> str:
    """Return the words after the number of objects that are not ready."""
    return "would fail" if report.mode == "check" else "not ready"


def time_label(report: Report) -> str:
    """Return the word before the time of the report."""
    return "checked" if report.mode == "check" else "taken"


def verdict(report: Report) -> str:
    """Return the verdict in words: "" if the report shows what is broken."""
    if report.is_hiding:
        return "" if any(f.severity is not Severity.INFO for f in report.findings) else "broken, but no cause is shown"
    if report.verdict == "healthy":
        return "nothing else to fix" if report.ignored or report.deselected else "nothing to fix"
    return "nothing found, but not everything could be read" if report.verdict == "incomplete" else ""
