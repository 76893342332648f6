"""Report -> metrics in Prometheus' text format 0.0.4, for a textfile collector or a Pushgateway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fluxdoctor.model.finding import Finding, Report, Severity, Verdict
from fluxdoctor.report.plain import plain

_Sample = tuple[Mapping[str, str], float]
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def render(report: Report) -> str:
    """Return the metrics: gauges of the moment of the report, each with its help."""
    found = report.findings
    families: list[tuple[str, str, Iterable[_Sample]]] = [
        ("report_timestamp_seconds", "When the report was made, in Unix time.", [({}, report.taken.timestamp())]),
        ("verdict", "1 for what the report says in one word.",
         [({"verdict": v.value}, float(v is report.verdict)) for v in Verdict]),
        ("findings", "Root causes, by severity.",
         [({"severity": s.value}, sum(f.severity is s for f in found)) for s in Severity]),
        ("finding_info", "1 for each root cause.", [(_labels(f), 1) for f in found]),
        ("finding_blocked_objects", "Objects that fail only because of a root cause.",
         [(_labels(f), len(f.blocks)) for f in found]),
        ("objects", "Flux objects that were looked at.", [({}, report.objects)]),
        ("objects_not_ready", "Flux objects that are not ready.", [({}, report.not_ready)]),
        ("rules", "Rules that ran.", [({}, report.rules)]),
        ("not_checked", "Questions that were asked and could not be answered.",
         [({}, sum(s.asked for s in report.skipped))]),
    ]  # fmt: skip
    return "".join(line for name, text, samples in families for line in _family(f"fluxdoctor_{name}", text, samples))


def _labels(finding: Finding) -> dict[str, str]:
    subject = finding.subject
    return {
        "rule": finding.rule, "severity": finding.severity.value, "confidence": finding.confidence.value,
        "kind": subject.kind, "namespace": subject.namespace, "name": subject.name,
        "fingerprint": finding.fingerprint,
    }  # fmt: skip


def _family(name: str, text: str, samples: Iterable[_Sample]) -> Iterable[str]:
    yield f"# HELP {name} {text}\n# TYPE {name} gauge\n"
    for labels, value in samples:
        pairs = ",".join(f'{key}="{plain(said).translate(_ESCAPES)}"' for key, said in labels.items())
        yield f"{name}{{{pairs}}} {value:.15g}\n" if pairs else f"{name} {value:.15g}\n"
