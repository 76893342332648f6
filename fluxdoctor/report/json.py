"""Report -> JSON, schema 1 (``schema-1.json`` beside this file)."""

from __future__ import annotations

import json
from datetime import datetime
from importlib import resources
from typing import Any

from fluxdoctor._version import __version__
from fluxdoctor.model.finding import Fact, Finding, Ignored, Report
from fluxdoctor.model.resource import Location, Ref
from fluxdoctor.report.context import NONE, Context

SCHEMA = 1


def render(report: Report, context: Context = NONE) -> str:
    """Return the report as JSON text. Keys have a fixed order, and only timings vary from run to run.

    A diagnosis of one object adds ``target`` and ``chains``.
    """
    extra = {"target": ref(context.target), "chains": _chains(context, report)} if context.target else {}
    # Escaped to ASCII, so a lone surrogate or a direction mark in cluster text stays a harmless escape. "##", which can
    # begin a command to a pipeline's runner (see plain), is escaped too: JSON parsers read it as the same text.
    return json.dumps({**body(report), **extra}, indent=2).replace("##", "#\\u0023") + "\n"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the report."""
    text = resources.files("fluxdoctor.report").joinpath("schema-1.json").read_text("utf-8")
    return dict(json.loads(text))


def body(report: Report) -> dict[str, Any]:
    """Return the report as dicts, lists and scalars."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "fluxdoctor", "version": __version__},
        "mode": report.mode,
        "name": report.name,
        "taken": _time(report.taken),
        "versions": dict(sorted(report.versions.items())),
        "verdict": report.verdict.value,
        "findings": [_finding(f) for f in report.findings],
        **({"ignored": [_ignored(i) for i in report.ignored]} if report.ignored else {}),
        **({"deselected": report.deselected} if report.deselected else {}),
        "skipped": [
            {
                "rule": s.rule,
                "subject": ref(s.subject) if s.subject else None,
                "why": s.why,
                "asked": s.asked,
                **({"reason": s.gap.reason, "scope": str(s.gap.scope)} if s.gap else {}),
            }
            for s in report.skipped
        ],
        "checked": {"objects": report.objects, "not_ready": report.not_ready, "rules": report.rules},
        "timings": {k: round(v, 3) for k, v in report.timings.items()},
    }


def ref(ref_: Ref) -> dict[str, str]:
    """Return an object's identity."""
    return {"kind": ref_.kind, "namespace": ref_.namespace, "name": ref_.name}


def _time(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


def _location(location: Location | None) -> dict[str, Any] | None:
    return {"file": location.file, "line": location.line, "column": location.column} if location else None


def _fact(fact: Fact) -> Any:
    if isinstance(fact, Ref):
        return ref(fact)
    return [_fact(item) for item in fact] if isinstance(fact, tuple) else fact


def _ignored(ignored: Ignored) -> dict[str, Any]:
    source = {"how": ignored.how, "where": ignored.where, "rule": ignored.rule, "reason": ignored.reason}
    return {**source, "finding": _finding(ignored.finding)}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "subject": ref(finding.subject),
        "also": [ref(r) for r in finding.also],
        "summary": finding.summary,
        "message": finding.message,
        "fix": finding.fix,
        "evidence": [{"what": e.what, "where": e.where} for e in finding.evidence],
        "facts": {k: _fact(v) for k, v in sorted(finding.facts.items()) if k != "subject"},
        "faults": list(finding.faults),
        "field": finding.field,
        "location": _location(finding.location),
        "blocks": [ref(r) for r in finding.blocks],
        "freezes": [{**ref(f.ref), "revision": f.revision, "since": _time(f.since)} for f in finding.freezes],
        "fingerprint": finding.fingerprint,
        "url": finding.url,
        **({"clusters": list(finding.clusters)} if finding.clusters else {}),
    }


def _chains(context: Context, report: Report) -> list[dict[str, Any]]:
    return [
        {
            "fingerprint": chain.finding.fingerprint,
            "links": [
                {**ref(link.ref), "why": link.why, "proof": [{"what": e.what, "where": e.where} for e in link.proof]}
                for link in chain.links
            ],
        }
        for chain in context.chains(report)
    ]
