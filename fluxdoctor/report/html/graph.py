"""Renders the dependency graph in the page: as a drawing in which each root cause links to its finding, and as text."""

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

#: Root causes that are marked; a fleet may have thousands.
_MAX_CAUSES = 600
_LEGEND = {
    Mark.CAUSE: "root cause",
    Mark.BLOCKED: "blocked by a root cause",
    Mark.STALE: "ready, but gets no changes",
    Mark.WAITING: "not ready, or in progress",
    Mark.SUSPENDED: "suspended",
    Mark.HEALTHY: "healthy",
}


def picture(report: Report, snapshot: Snapshot) -> tuple[Picture, int]:
    """Return the picture with the first root causes marked, and the number of findings that these belong to."""
    room, count = _MAX_CAUSES, 0
    for finding in report.findings:
        room -= 1 + len(finding.also)
        if room < 0 and count:
            break
        count += 1
    return draw(snapshot, replace(report, findings=report.findings[:count])), count


def section(report: Report, picture: Picture, marked: int) -> Markup:
    """Return the section, which has its own scrollbars. ``marked``: the number of findings whose root causes are marked."""
    marks = {node.mark for node in picture.nodes}
    legend = [tag("li", tag("span", "", class_=f"key {m.value}"), words) for m, words in _LEGEND.items() if m in marks]
    drawing = Markup(graph_svg.inline(picture, _links(report, picture)))
    is_merged = any(node.count > 1 for node in picture.nodes)
    more = " Similar objects are drawn as one: fluxdoctor graph --all draws each." if is_merged else ""
    if marked < len(report.findings):
        more += f" The root causes of the first {marked} of {len(report.findings)} findings are marked."
    return tag(
        "section",
        tag("h2", "Dependency graph", id="graph-title"),
        tag("p", f"An object is drawn to the left of the objects that need it.{more}", class_="soft"),
        tag("ul", *legend, class_="legend"),
        tag("label", tag("input", type="checkbox", id="fit"), "Fit to page", class_="fit", hidden=True),
        tag("div", drawing, id="canvas", class_="canvas", tabindex="0", role="region", aria_label="Drawing"),
        tag(
            "details",
            tag("summary", "The graph as text"),
            tag("pre", graph_text.render(picture, width=100, color=False), tabindex="0"),
        ),
        id="graph",
        aria_labelledby="graph-title",
        tabindex="-1",
    )


def nodes(report: Report, picture: Picture) -> dict[Ref, int]:
    """Return the indexes of the root causes in the nodes."""
    causes = {(n.kind, n.name): i for i, n in enumerate(picture.nodes) if n.mark is Mark.CAUSE}
    subjects = (ref for f in report.findings if f.severity is not Severity.INFO for ref in (f.subject, *f.also))
    return {ref: causes[key] for ref in subjects if (key := (ref.kind, plain(ref.named))) in causes}


def _links(report: Report, picture: Picture) -> dict[int, str]:
    """Return the link of each root cause to its first finding, by the index of its node."""
    places = nodes(report, picture)
    links: dict[int, str] = {}
    for finding, name in zip(report.findings, ids(report), strict=True):
        for ref in (finding.subject, *finding.also):
            if ref in places and finding.severity is not Severity.INFO:
                links.setdefault(places[ref], f"#{name}")
    return links
