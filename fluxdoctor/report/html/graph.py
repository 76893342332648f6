"""The dependency graph in the page: drawn, with a way from each cause to its finding, and as text."""

from __future__ import annotations

from dataclasses import replace

from fluxdoctor.model.finding import Report, Severity
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from fluxdoctor.report import graph_svg, graph_text
from fluxdoctor.report.graph import Mark, Picture, draw
from fluxdoctor.report.html.findings import ids
from fluxdoctor.report.html.tags import Markup, tag
from fluxdoctor.report.plain import plain

#: So many causes are marked.
_MOST = 600
_LEGEND = {
    Mark.CAUSE: "root cause",
    Mark.BLOCKED: "fails because of it",
    Mark.STALE: "ready, but gets no changes",
    Mark.WAITING: "not ready, or in progress",
    Mark.SUSPENDED: "suspended",
    Mark.WELL: "well",
}


def picture(report: Report, snapshot: Snapshot) -> tuple[Picture, int]:
    """Return the picture with the first causes marked, and of how many findings they are: a fleet may have thousands."""
    room, kept = _MOST, 0
    for finding in report.findings:
        room -= 1 + len(finding.also)
        if room < 0 and kept:
            break
        kept += 1
    return draw(snapshot, replace(report, findings=report.findings[:kept])), kept


def section(report: Report, picture: Picture, marked: int) -> Markup:
    """Return the section, which scrolls by itself. ``marked``: how many findings have their causes marked."""
    marks = {node.mark for node in picture.nodes}
    legend = [tag("li", tag("span", "", class_=f"key {m.value}"), words) for m, words in _LEGEND.items() if m in marks]
    drawn = Markup(graph_svg.inline(picture, _links(report, picture)))
    alike = any(node.count > 1 for node in picture.nodes)
    more = " What is alike is drawn as one: fluxdoctor graph --all draws each." if alike else ""
    if marked < len(report.findings):
        more += f" The causes of the first {marked} of {len(report.findings)} findings are marked."
    return tag(
        "section",
        tag("h2", "Dependency graph", id="graph-title"),
        tag("p", f"What is needed stands to the left of what needs it.{more}", class_="soft"),
        tag("ul", *legend, class_="legend"),
        tag("label", tag("input", type="checkbox", id="fit"), "Fit to the page", class_="fit", hidden=True),
        tag("div", drawn, id="canvas", class_="canvas", tabindex="0", role="region", aria_label="Drawing"),
        tag(
            "details",
            tag("summary", "The same as text"),
            tag("pre", graph_text.render(picture, width=100, color=False), tabindex="0"),
        ),
        id="graph",
        aria_labelledby="graph-title",
        tabindex="-1",
    )


def nodes(report: Report, picture: Picture) -> dict[Ref, int]:
    """Return the places of the causes among the nodes."""
    drawn = {(n.kind, n.name): i for i, n in enumerate(picture.nodes) if n.mark is Mark.CAUSE}
    told = (ref for f in report.findings if f.severity is not Severity.INFO for ref in (f.subject, *f.also))
    return {ref: drawn[at] for ref in told if (at := (ref.kind, plain(ref.named))) in drawn}


def _links(report: Report, picture: Picture) -> dict[int, str]:
    known = nodes(report, picture)
    links: dict[int, str] = {}
    for finding, name in zip(report.findings, ids(report), strict=True):
        for ref in (finding.subject, *finding.also):
            if ref in known and finding.severity is not Severity.INFO:
                links.setdefault(known[ref], f"#{name}")
    return links
