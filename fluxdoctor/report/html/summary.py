"""Renders the head of the page: the verdict in one line, the figures, the time and the links to the sections."""

from __future__ import annotations

from fluxdoctor.model.finding import Finding, Report, Severity
from fluxdoctor.report import ignored, state, unseen
from fluxdoctor.report.graph import Picture
from fluxdoctor.report.html.findings import ids
from fluxdoctor.report.html.tags import Markup, tag

_MAX_FIRST = 5


def count(number: int, noun: str) -> str:
    """Return "1 object" or "2 objects"."""
    return f"{number} {noun if number == 1 else f'{noun}s'}"


def headline(report: Report) -> str:
    """Return the report in a few words."""
    errors = sum(f.severity is Severity.ERROR for f in report.findings)
    warnings = sum(f.severity is Severity.WARNING for f in report.findings)
    if words := state.verdict(report):
        return words
    parts = [count(errors, "root cause") if errors else "", count(warnings, "warning") if warnings else ""]
    return ", ".join(p for p in parts if p)


def header(report: Report, picture: Picture | None) -> Markup:
    """Return the page's header: name, verdict, figures and the links to the sections."""
    words = headline(report)
    return tag(
        "header",
        tag("p", "fluxdoctor", class_="brand"),
        tag("h1", report.name or report.mode),
        tag("div", tag("p", words[0].upper() + words[1:]), _first(report), class_=f"verdict {report.verdict.value}"),
        tag("dl", *_figures(report), class_="figures"),
        tag("p", _about(report), class_="about"),
        _gaps(report),
        _navigation(picture),
    )


def _first(report: Report) -> Markup:
    """Return the first findings, one line each: what to fix first."""
    pairs = [(f, i) for f, i in zip(report.findings, ids(report), strict=True) if f.severity is not Severity.INFO]
    rows = [
        tag(
            "li",
            tag("a", str(f.subject), href=f"#{name}"),
            f": {f.summary or f.rule}",
            *_extent(f),
        )
        for f, name in pairs[:_MAX_FIRST]
    ]
    if len(pairs) > _MAX_FIRST:
        rows.append(tag("li", f"and {len(pairs) - _MAX_FIRST} more"))
    return tag("ol", *rows) if rows else Markup("")


def _extent(finding: Finding) -> list[str]:
    """Return in which clusters a finding occurs and how many objects it blocks."""
    clusters = finding.clusters
    place = f", in {clusters[0] if len(clusters) == 1 else count(len(clusters), 'cluster')}" if clusters else ""
    blocked = f", blocks {count(len(finding.blocks), 'object')}" if finding.blocks else ""
    return [place, blocked]


def _figures(report: Report) -> list[Markup]:
    blocked = {(ref, f.clusters) for f in report.findings for ref in f.blocks}
    stale = {(frozen.ref, f.clusters) for f in report.findings for frozen in f.freezes}
    gaps = len(unseen.reasons(report.skipped))
    rows = [
        (report.objects, "Flux objects", ""),
        (report.not_ready, state.failing(report), "bad" if report.not_ready else "good"),
        (len(blocked), "blocked by a root cause", "bad" if blocked else ""),
        *([] if report.mode == "check" else [(len(stale), "ready, but stale", "odd" if stale else "")]),
        (gaps, "gaps (not checked)", "odd" if gaps else "good"),
    ]
    return [tag("div", tag("dt", words), tag("dd", str(number)), class_=style) for number, words, style in rows]


def _about(report: Report) -> str:
    """Return the versions, where the facts are from and the time."""
    products = (("flux", "Flux"), ("kubernetes", "Kubernetes"))
    versions = [f"{words} {v.removeprefix('v')}" for name, words in products if (v := report.versions.get(name))]
    origins = {
        "live": "read from the cluster",
        "replay": "replayed from a snapshot",
        "check": "a repository, not yet deployed",
    }
    time = report.taken.strftime(f"{state.time_label(report)} %Y-%m-%d %H:%M:%SZ")
    hidden = ignored.counted(report)
    return " · ".join([*versions, origins.get(report.mode, report.mode), time, *([hidden] if hidden else [])])


def _gaps(report: Report) -> Markup:
    """Return a notice about gaps, if there are any."""
    reasons = unseen.reasons(report.skipped)
    if not reasons:
        return Markup("")
    text = f"Not everything could be checked: {count(len(reasons), 'gap')}, "
    return tag("p", text, tag("a", "listed below", href="#unseen"), ".", class_="notice")


def _navigation(picture: Picture | None) -> Markup:
    sections = [("#findings", "Findings"), ("#graph", "Graph") if picture else ("", ""), ("#unseen", "Not checked")]
    links = [tag("a", words, href=target) for target, words in sections if target]
    return tag("nav", *links, aria_label="Sections")
