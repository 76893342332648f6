"""Report -> metrics in Prometheus' text format 0.0.4, for a textfile collector or a Pushgateway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fluxdoctor.model.finding import Finding, Report, Severity, Verdict
from fluxdoctor.report.plain import plain

_Sample = tuple[Mapping[str, str], float]
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def render(report: Report) -> str:
    """Return the metrics: gauges as of the time of the report, each with its help."""
    findings = report.findings
    families: list[tuple[str, str, Iterable[_Sample]]] = [
        ("report_timestamp_seconds", "When the report was made, in Unix time.", [({}, report.taken.timestamp())]),
        ("verdict", "1 for the verdict of the report, 0 for the others.",
         [({"verdict": v.value}, float(v is report.verdict)) for v in Verdict]),
        ("findings", "Root causes, by severity.",
         [({"severity": s.value}, sum(f.severity is s for f in findings)) for s in Severity]),
        ("finding_info", "1 for each root cause.", [(_labels(f), 1) for f in findings]),
        ("finding_blocked_objects", "Objects that fail only because of a root cause.",
         [(_labels(f), len(f.blocks)) for f in findings]),
        ("objects", "Flux objects that were checked.", [({}, report.objects)]),
        ("objects_not_ready", "Flux objects that are not ready.", [({}, report.not_ready)]),
        ("rules", "Rules that ran.", [({}, report.rules)]),
        ("not_checked", "Checks that were not possible, because something could not be read.",
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


def _family(name: str, help_: str, samples: Iterable[_Sample]) -> Iterable[str]:
    """Yield the lines of one metric."""
    yield f"# HELP {name} {help_}\n# TYPE {name} gauge\n"
    for labels, value in samples:
        pairs = ",".join(f'{key}="{plain(text).translate(_ESCAPES)}"' for key, text in labels.items())
        yield f"{name}{{{pairs}}} {value:.15g}\n" if pairs else f"{name} {value:.15g}\n"
