"""How a report's objects and its verdict are called. A repository is deployed nowhere yet: what is wrong in it *would* fail."""

from __future__ import annotations

from fluxdoctor.model.finding import Report, Severity


def failing(report: Report) -> str:
    """Return what is said of the objects that are counted as not ready."""
    return "would fail" if report.mode == "check" else "not ready"


def taken(report: Report) -> str:
    """Return what was done at the time of the report."""
    return "checked" if report.mode == "check" else "taken"


def verdict(report: Report) -> str:
    """Return the verdict in words: "" if the report shows what is broken."""
    if report.is_hiding:
        return "" if any(f.severity is not Severity.INFO for f in report.findings) else "broken, but no cause is shown"
    if report.verdict == "healthy":
        return "nothing else to fix" if report.ignored else "nothing to fix"
    return "nothing found, but not all could be seen" if report.verdict == "incomplete" else ""
