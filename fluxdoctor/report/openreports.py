"""Report -> objects of OpenReports (``openreports.io/v1alpha1``): a Report for each namespace, a ClusterReport for the rest.

The fields are those of github.com/openreports/reports-api v0.2.1. A result of ``fail`` is an error, ``warn`` a warning or a note,
``skip`` something that could not be checked; ``severity`` is high, medium or info.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from typing import Any

import yaml

from fluxdoctor.model.finding import Finding, Report, Severity, Skipped
from fluxdoctor.model.resource import Ref
from fluxdoctor.report.plain import plain

API = "openreports.io/v1alpha1"
NAME = "fluxdoctor"
#: How fluxdoctor finds its own objects again.
LABELS = {"app.kubernetes.io/managed-by": NAME}
_RESULTS = {Severity.ERROR: ("fail", "high"), Severity.WARNING: ("warn", "medium"), Severity.INFO: ("warn", "info")}
_OUTCOMES = ("error", "fail", "pass", "skip", "warn")
_MOST = 1 << 20  # bytes of the results of one object: etcd takes 1.5 MiB
_TEXT = 1_000  # characters of a text
_NAMED = 20
_WIDE = 1 << 20  # a text is never broken: no line begins with what a cluster said


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines in one."""


def _text_of(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if "\n" in text else None)


_Dumper.add_representer(str, _text_of)


def render(report: Report) -> str:
    """Return the objects as YAML documents."""
    return str(yaml.dump_all(objects(report), Dumper=_Dumper, sort_keys=False, width=_WIDE))


def objects(report: Report, without: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return the objects: the ClusterReport, which is always there, first. ``without``: namespaces that can hold none."""
    at = {"seconds": int(report.taken.timestamp()), "nanos": 0}
    spaces: dict[str, list[dict[str, Any]]] = {"": []}
    for finding in report.findings:
        spaces.setdefault(_space(finding.subject, without), []).append({**_found(finding), "timestamp": at})
    for skipped in report.skipped:
        if skipped.asked:
            space = _space(skipped.subject, without) if skipped.subject else ""
            spaces.setdefault(space, []).append({**_skipped(skipped), "timestamp": at})
    return [_object(space, results) for space, results in sorted(spaces.items())]


def _space(ref: Ref, without: Collection[str]) -> str:
    return "" if ref.namespace in without else ref.namespace


def _object(namespace: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    place = {"namespace": plain(namespace)} if namespace else {}
    counts = Counter(result["result"] for result in results)
    shown = _shown(results)
    left = len(results) - len(shown)
    more = [{"policy": NAME, "result": "skip", "message": f"{left} more are not shown here"}] if left > 0 else []
    return {
        "apiVersion": API,
        "kind": "Report" if namespace else "ClusterReport",
        "metadata": {"name": NAME, **place, "labels": dict(LABELS)},
        "source": NAME,
        "summary": {outcome: counts.get(outcome, 0) for outcome in _OUTCOMES},
        "results": shown + more,
    }


def _shown(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return as many as the API server can store; the first are the first to fix."""
    room = _MOST
    for number, result in enumerate(results):
        room -= len(json.dumps(result, ensure_ascii=False).encode("utf-8", "replace"))
        if room < 0:
            return results[:number]
    return results


def _found(finding: Finding) -> dict[str, Any]:
    result, severity = _RESULTS[finding.severity]
    location = f"{finding.location.file}:{finding.location.line}" if finding.location else ""
    properties = {
        "fix": finding.fix,
        "confidence": finding.confidence.value,
        "fingerprint": finding.fingerprint,
        "field": finding.field,
        "location": location,
        "blocks": _names(finding.blocks),
        "url": finding.url,
    }
    return {
        "policy": finding.rule,
        "category": finding.rule.partition("/")[0],
        "source": NAME,
        "result": result,
        "severity": severity,
        "scored": finding.severity is not Severity.INFO,
        "message": _text(finding.message),
        "resources": [_reference(ref) for ref in (finding.subject, *finding.also[:_NAMED])],
        "properties": {name: _text(value) for name, value in properties.items() if value},
    }


def _skipped(skipped: Skipped) -> dict[str, Any]:
    about = {"resources": [_reference(skipped.subject)]} if skipped.subject else {}
    return {"policy": skipped.rule or NAME, "source": NAME, "result": "skip", "message": _text(skipped.why), **about}


def _reference(ref: Ref) -> dict[str, str]:
    place = {"namespace": plain(ref.namespace)} if ref.namespace else {}
    return {"kind": plain(ref.kind.partition(".")[0]), **place, "name": plain(ref.name)}


def _names(refs: tuple[Ref, ...]) -> str:
    if not refs:
        return ""
    more = f" and {len(refs) - _NAMED} more" if len(refs) > _NAMED else ""
    return f"{len(refs)}: {', '.join(map(str, refs[:_NAMED]))}{more}"


def _text(text: str) -> str:
    shown = plain(text)
    return shown if len(shown) <= _TEXT else shown[: _TEXT - 1] + "\u2026"
