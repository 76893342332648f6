"""Report -> GitLab's code quality report, which a merge request shows (docs.gitlab.com, "Code Quality": report format)."""

from __future__ import annotations

import json
from typing import Any

from fluxdoctor.model.finding import Finding, Report, Severity
from fluxdoctor.report.plain import plain

_SEVERITY = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}


def render(report: Report) -> str:
    """Return the findings as a JSON list. One without a file stands at its object: GitLab shows none without a path."""
    seen: dict[str, int] = {}
    return json.dumps([_issue(f, seen) for f in report.findings], indent=2) + "\n"


def _issue(finding: Finding, seen: dict[str, int]) -> dict[str, Any]:
    at = finding.location
    number = seen[finding.fingerprint] = seen.get(finding.fingerprint, 0) + 1
    return {
        "description": plain(f"{finding.subject.kind} {finding.subject.named}: {finding.message}. Fix: {finding.fix}"),
        "check_name": finding.rule,
        "fingerprint": finding.fingerprint if number == 1 else f"{finding.fingerprint}-{number}",
        "severity": _SEVERITY[finding.severity],
        "location": {
            "path": plain(at.file if at else str(finding.subject)),
            "lines": {"begin": max(1, at.line if at else 1)},
        },
    }
