"""Report -> GitLab's code quality report, shown in merge requests (docs.gitlab.com, "Code Quality": report format)."""

from __future__ import annotations

import json
from typing import Any

from fluxdoctor.model.finding import Finding, Report, Severity
from fluxdoctor.report.plain import plain

_SEVERITY = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}


def render(report: Report) -> str:
    """Return the findings as a JSON list. A finding without a file has its object as path: GitLab requires a path."""
    counts: dict[str, int] = {}
    return json.dumps([_issue(f, counts) for f in report.findings], indent=2) + "\n"


def _issue(finding: Finding, counts: dict[str, int]) -> dict[str, Any]:
    """Return one entry. ``counts``: how often each fingerprint occurred; GitLab needs distinct fingerprints."""
    at = finding.location
    number = counts[finding.fingerprint] = counts.get(finding.fingerprint, 0) + 1
    return {
        "description": plain(f"{finding.subject}: {finding.message}. Fix: {finding.fix}"),
        "check_name": finding.rule,
        "fingerprint": finding.fingerprint if number == 1 else f"{finding.fingerprint}-{number}",
        "severity": _SEVERITY[finding.severity],
        "location": {
            "path": plain(at.file if at else str(finding.subject)),
            "lines": {"begin": max(1, at.line if at else 1)},
        },
    }
