"""Renders the search and the filters of the page: by words, severity, namespace, rule and cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from fluxdoctor.model.finding import Finding, Report, Severity
from fluxdoctor.report.html.tags import Markup, tag
from fluxdoctor.report.plain import plain

_NAMES = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.INFO: "Notes"}


def namespaces(finding: Finding) -> list[str]:
    """Return the namespaces of all objects of a finding: the root cause and what it affects."""
    refs = (finding.subject, *finding.also, *finding.blocks, *(f.ref for f in finding.freezes))
    names = {r.name if r.kind == "Namespace" else r.namespace for r in refs}
    return sorted("".join(plain(name).split()) for name in names if name)


def form(report: Report) -> Markup:
    """Return the form, which JavaScript makes visible: without JavaScript the page lists all findings."""
    counts = Counter(f.severity for f in report.findings)
    severities = tag(
        "fieldset",
        tag("legend", "Severity"),
        *(
            tag("label", tag("input", type="checkbox", name="severity", value=s.value, checked=True), f"{words} ",
                tag("span", str(counts[s]), class_="count"))
            for s, words in _NAMES.items() if counts[s]
        ),
    )  # fmt: skip
    names = sorted({name for f in report.findings for name in namespaces(f)})
    rules = sorted({f.rule for f in report.findings})
    clusters = sorted({c for f in report.findings for c in f.clusters})
    box = tag("input", type="search", id="search", autocomplete="off", aria_keyshortcuts="/")
    return tag(
        "form",
        tag("label", "Search", box, class_="search"),
        severities,
        _choice("namespace", "Namespace", names),
        _choice("rule", "Rule", rules),
        _choice("cluster", "Cluster", clusters) if len(clusters) > 1 else Markup(""),
        tag("button", "Reset", type="reset"),
        tag("p", "", id="shown", role="status"),
        id="filters", class_="filters", role="search", aria_label="Findings", hidden=True,
    )  # fmt: skip


def _choice(name: str, words: str, values: Iterable[str]) -> Markup:
    options = [tag("option", "all", value=""), *(tag("option", v, value=v) for v in values)]
    return tag("label", words, tag("select", *options, id=name))
