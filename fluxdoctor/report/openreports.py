"""Report -> objects of OpenReports (``openreports.io/v1alpha1``): a Report for each namespace, a ClusterReport for the rest.

The fields are those of github.com/openreports/reports-api v0.2.1. The result ``fail`` is an error, ``warn`` a warning or a note,
``skip`` a gap; ``severity`` is high, medium or info.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from typing import Any

import yaml

from fluxdoctor.model.finding import Finding, Report, Severity, Skipped
from fluxdoctor.model.resource import Ref
from fluxdoctor.report import ignored
from fluxdoctor.report.plain import plain

API = "openreports.io/v1alpha1"
NAME = "fluxdoctor"
#: The labels by which fluxdoctor selects its own objects.
LABELS = {"app.kubernetes.io/managed-by": NAME}
_RESULTS = {Severity.ERROR: ("fail", "high"), Severity.WARNING: ("warn", "medium"), Severity.INFO: ("warn", "info")}
_OUTCOMES = ("error", "fail", "pass", "skip", "warn")
_MAX_BYTES = 1 << 20  # of the results of one object: etcd accepts 1.5 MiB
_MAX_TEXT = 1_000  # characters
_MAX_REFS = 20
_WIDTH = 1 << 20  # columns: text is never wrapped, so no line begins with text of a cluster


class _Dumper(yaml.SafeDumper):
    """Writes a string of several lines on one line."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def render(report: Report) -> str:
    """Return the objects as YAML documents."""
    return str(yaml.dump_all(objects(report), Dumper=_Dumper, sort_keys=False, width=_WIDTH))


def objects(report: Report, without: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return the objects. The ClusterReport always exists and is the first. ``without``: namespaces that do not exist."""
    at = {"seconds": int(report.taken.timestamp()), "nanos": 0}
    spaces: dict[str, list[dict[str, Any]]] = {"": []}
    for finding in report.findings:
        spaces.setdefault(_namespace(finding.subject, without), []).append({**_result(finding), "timestamp": at})
    for skipped in report.skipped:
        if skipped.asked:
            space = _namespace(skipped.subject, without) if skipped.subject else ""
            spaces.setdefault(space, []).append({**_skipped(skipped), "timestamp": at})
    if notice := ignored.notice(report):
        spaces[""].append({"policy": NAME, "source": NAME, "result": "skip", "message": _text(notice), "timestamp": at})
    return [_object(space, results) for space, results in sorted(spaces.items())]


def _namespace(ref: Ref, without: Collection[str]) -> str:
    """Return the namespace of the Report for an object; "" for the ClusterReport."""
    return "" if ref.namespace in without else ref.namespace


def _object(namespace: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    place = {"namespace": plain(namespace)} if namespace else {}
    counts = Counter(result["result"] for result in results)
    storable = _storable(results)
    omitted = len(results) - len(storable)
    note = {"policy": NAME, "result": "skip", "message": f"{omitted} more results are not shown here"}
    return {
        "apiVersion": API,
        "kind": "Report" if namespace else "ClusterReport",
        "metadata": {"name": NAME, **place, "labels": dict(LABELS)},
        "source": NAME,
        "summary": {outcome: counts.get(outcome, 0) for outcome in _OUTCOMES},
        "results": [*storable, *([note] if omitted else [])],
    }


def _storable(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the first results, as many as the API server can store; they are sorted by what to fix first."""
    room = _MAX_BYTES
    for number, result in enumerate(results):
        room -= len(json.dumps(result, ensure_ascii=False).encode("utf-8", "replace"))
        if room < 0:
            return results[:number]
    return results


def _result(finding: Finding) -> dict[str, Any]:
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
        "resources": [_reference(ref) for ref in (finding.subject, *finding.also[:_MAX_REFS])],
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
    more = f" and {len(refs) - _MAX_REFS} more" if len(refs) > _MAX_REFS else ""
    return f"{len(refs)}: {', '.join(map(str, refs[:_MAX_REFS]))}{more}"


def _text(text: str) -> str:
    """Return a harmless text of limited length."""
    safe = plain(text)
    return safe if len(safe) <= _MAX_TEXT else safe[: _MAX_TEXT - 1] + "\u2026"
