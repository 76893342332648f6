"""Report -> workflow commands of GitHub Actions: annotations on the lines of a pull request.

The commands and their escapes: docs.github.com, "Workflow commands for GitHub Actions"; actions/toolkit core/src/command.ts.
"""

from __future__ import annotations

from fluxdoctor.model.finding import Finding, Report, Severity
from fluxdoctor.report import ignored
from fluxdoctor.report.plain import plain

_COMMAND = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(report: Report) -> str:
    """Return one command per line: one for each finding, and a notice with what was not checked."""
    lines = [_command(f) for f in report.findings]
    gaps = [s for s in report.skipped if s.asked]
    if gaps:
        lines.append(f"::notice title=Not checked::{_text('; '.join(dict.fromkeys(s.why for s in gaps)))}")
    if notice := ignored.notice(report):
        lines.append(f"::notice title=Ignored::{_text(notice)}")
    return "".join(f"{line}\n" for line in lines)


def _command(finding: Finding) -> str:
    at = finding.location
    place = {"file": at.file, "line": str(at.line or ""), "col": str(at.column or "")} if at else {}
    values = ",".join(f"{k}={_property(v)}" for k, v in {"title": finding.rule, **place}.items() if v)
    text = f"{finding.subject}: {finding.message}\nFix: {finding.fix}"
    return f"::{_COMMAND[finding.severity]} {values}::{_text(text)}"


def _text(text: str) -> str:
    return plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _text(text).replace(":", "%3A").replace(",", "%2C")
