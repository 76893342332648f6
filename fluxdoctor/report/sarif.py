"""Report -> SARIF 2.1.0 (OASIS), for code scanning."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from fluxdoctor._version import __version__
from fluxdoctor.model.finding import Finding, Ignored, Report, Severity
from fluxdoctor.report import ignored
from fluxdoctor.report.plain import plain

_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(report: Report) -> str:
    """Return one run: the findings as results, the gaps as notifications."""
    suppressed = [i.finding for i in report.ignored]
    rules = {f.rule: f for f in reversed((*report.findings, *suppressed))}
    places = {rule: i for i, rule in enumerate(sorted(rules))}
    results = [_result(f, places) for f in report.findings]
    # Ignored findings are listed as suppressed, so that code scanning shows them as dismissed.
    results += [{**_result(i.finding, places), "suppressions": [_suppression(i)]} for i in report.ignored]
    invocation: dict[str, Any] = {"executionSuccessful": True}
    notes = [{"level": "note", "message": {"text": plain(s.why)}} for s in report.skipped if s.asked]
    if notice := ignored.notice(report):
        notes.append({"level": "note", "message": {"text": plain(notice)}})
    if notes:
        invocation["toolExecutionNotifications"] = notes
    driver = {
        "name": "fluxdoctor",
        "version": __version__,
        "informationUri": "https://github.com/fluxdoctor/fluxdoctor",
        "rules": [_rule(rules[rule]) for rule in places],
    }
    run = {"tool": {"driver": driver}, "invocations": [invocation], "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _suppression(ignored: Ignored) -> dict[str, Any]:
    kind = "inSource" if ignored.how in ("comment", "annotation") else "external"
    reason = ignored.reason or ("in the baseline" if ignored.how == "baseline" else "no reason")
    return {"kind": kind, "status": "accepted", "justification": plain(f"{reason} ({ignored.where})")}


def _rule(finding: Finding) -> dict[str, Any]:
    help_ = {"helpUri": finding.url} if finding.url else {}
    return {"id": finding.rule, "shortDescription": {"text": plain(finding.summary or finding.rule)}, **help_}


def _result(finding: Finding, places: dict[str, int]) -> dict[str, Any]:
    """Return the result of a finding. ``places``: the index of each rule in the driver's list."""
    subject = plain(str(finding.subject))
    place: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": subject, "kind": "object"}]}
    if at := finding.location:
        # Git file names are bytes: a name that is not UTF-8 is escaped by plain().
        place["physicalLocation"] = {"artifactLocation": {"uri": quote(plain(at.file))}}
        if at.line:
            column = {"startColumn": at.column} if at.column else {}
            place["physicalLocation"]["region"] = {"startLine": at.line, **column}
    return {
        "ruleId": finding.rule,
        "ruleIndex": places[finding.rule],
        "level": _LEVEL[finding.severity],
        "message": {"text": plain(f"{finding.subject}: {finding.message}. Fix: {finding.fix}")},
        "locations": [place],
        "partialFingerprints": {"fluxdoctor/v1": finding.fingerprint},
        "properties": {
            "confidence": finding.confidence.value,
            "evidence": [plain(f"{e.what} ({e.where})" if e.where else e.what) for e in finding.evidence],
            "blocks": [plain(str(r)) for r in finding.blocks],
            "clusters": [plain(c) for c in finding.clusters],
        },
    }
