"""The head of the page: what is wrong in one line, of what, when, and how to get to it."""

from __future__ import annotations

from fluxdoctor.model.finding import Finding, Report, Severity, Verdict
from fluxdoctor.report import ignored, state, unseen
from fluxdoctor.report.graph import Picture
from fluxdoctor.report.html.findings import ids
from fluxdoctor.report.html.tags import Markup, tag

_FIRST = 5


def count(number: int, one: str, many: str = "") -> str:
    """Return "1 object" or "2 objects"."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def headline(report: Report) -> str:
    """Return the report in a few words."""
    errors = sum(f.severity is Severity.ERROR for f in report.findings)
    warnings = sum(f.severity is Severity.WARNING for f in report.findings)
    if report.verdict is Verdict.HEALTHY:
        return "nothing to fix"
    if words := state.verdict(report):
        return words
    parts = [count(errors, "root cause") if errors else "", count(warnings, "warning") if warnings else ""]
    return ", ".join(p for p in parts if p)


def header(report: Report, picture: Picture | None) -> Markup:
    """Return the page's header: name, verdict, figures and the ways into the page."""
    said = headline(report)
    return tag(
        "header",
        tag("p", "fluxdoctor", class_="brand"),
        tag("h1", report.name or report.mode),
        tag("div", tag("p", said[0].upper() + said[1:]), _first(report), class_=f"verdict {report.verdict.value}"),
        tag("dl", *_figures(report), class_="figures"),
        tag("p", _about(report), class_="about"),
        _gaps(report),
        _ways(picture),
    )


def _first(report: Report) -> Markup:
    """The first causes in a line each: what to look at before all else."""
    told = [(f, i) for f, i in zip(report.findings, ids(report), strict=True) if f.severity is not Severity.INFO]
    rows = [
        tag(
            "li",
            tag("a", f"{f.subject.kind} {f.subject.named}", href=f"#{name}"),
            f": {f.summary or f.rule}",
            *_held(f),
        )
        for f, name in told[:_FIRST]
    ]
    if len(told) > _FIRST:
        rows.append(tag("li", f"and {len(told) - _FIRST} more"))
    return tag("ol", *rows) if rows else Markup("")


def _held(finding: Finding) -> list[str]:
    clusters = finding.clusters
    where = f", in {clusters[0] if len(clusters) == 1 else count(len(clusters), 'cluster')}" if clusters else ""
    held = f", holds back {count(len(finding.blocks), 'object')}" if finding.blocks else ""
    return [where, held]


def _figures(report: Report) -> list[Markup]:
    held = {(ref, f.clusters) for f in report.findings for ref in f.blocks}
    stale = {(frozen.ref, f.clusters) for f in report.findings for frozen in f.freezes}
    gaps = len(unseen.reasons(report.skipped))
    rows = [
        (report.objects, "Flux objects", ""),
        (report.not_ready, state.failing(report), "bad" if report.not_ready else "good"),
        (len(held), "held back by a cause", "bad" if held else ""),
        *([] if report.mode == "check" else [(len(stale), "ready, but stale", "odd" if stale else "")]),
        (gaps, "gaps (not seen)", "odd" if gaps else "good"),
    ]
    return [tag("div", tag("dt", words), tag("dd", str(number)), class_=style) for number, words, style in rows]


def _about(report: Report) -> str:
    known = (("flux", "Flux"), ("kubernetes", "Kubernetes"))
    versions = [f"{words} {v.removeprefix('v')}" for name, words in known if (v := report.versions.get(name))]
    how = {
        "live": "read from the cluster",
        "replay": "replayed from a snapshot",
        "check": "a repository, not yet deployed",
    }
    taken = report.taken.strftime(f"{state.taken(report)} %Y-%m-%d %H:%M:%SZ")
    hidden = ignored.counted(report)
    return " · ".join([*versions, how.get(report.mode, report.mode), taken, *([hidden] if hidden else [])])


def _gaps(report: Report) -> Markup:
    found = unseen.reasons(report.skipped)
    if not found:
        return Markup("")
    said = f"Not everything could be seen: {count(len(found), 'gap')}, "
    return tag("p", said, tag("a", "listed below", href="#unseen"), ".", class_="notice")


def _ways(picture: Picture | None) -> Markup:
    ways = [("#findings", "Findings"), ("#graph", "Graph") if picture else ("", ""), ("#unseen", "Not seen")]
    links = [tag("a", words, href=to) for to, words in ways if to]
    return tag("nav", *links, aria_label="Sections")
