"""The graph as one SVG file: no script, no font, no link to anything; light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape as escaped
from xml.sax.saxutils import quoteattr

from fluxdoctor.report.graph import Arrow, Mark, Node, Picture
from fluxdoctor.report.plain import COMMAND

_WIDE, _HIGH, _GAP_X, _GAP_Y, _EDGE = 250, 44, 90, 16, 20
_SHOWN = 31
#: An arrow that leads back: how high it runs, and the radius of its corners.
_TOP, _ROUND = 4, 9
_CSS = """
svg{background:#fff;font:12px system-ui,sans-serif}rect{fill:#dafbe1;stroke:#57606a;rx:6}
text{fill:#1f2328}.kind{fill:#57606a;font-size:10px}
path{fill:none;stroke:#8c959f;stroke-width:1.2}.of-cause{stroke:#d1242f;stroke-width:1.6}
.cause rect{fill:#d1242f;stroke:#82071e;stroke-width:3}.cause text{fill:#fff}
.blocked{opacity:.5}.blocked rect{fill:#eaeef2}.stale rect{fill:#fff8c5;stroke-dasharray:4}.waiting rect{fill:#ddf4ff}
.suspended rect{fill:#eaeef2;stroke-dasharray:4}
@media(prefers-color-scheme:dark){svg{background:#0d1117}path{stroke:#6e7681}}
""".strip()


def render(picture: Picture) -> str:
    """Return the SVG: what is needed to the left of what needs it; the title of a cause is its finding."""
    width, height, parts = _drawing(picture, {})
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    head = [opening, "<title>Flux dependency graph</title>", f"<style>{_CSS}</style>"]
    return "\n".join([*head, *parts, "</svg>"]) + "\n"


def inline(picture: Picture, links: Mapping[int, str]) -> str:
    """Return the SVG as a part of a page, which brings the styles; ``links``: where a click on a node leads, by its place.

    Node 3 can be linked to as ``#node-3``.
    """
    width, height, parts = _drawing(picture, links)
    opening = f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="group" aria-label="Dependency graph">'
    return "\n".join([opening, *parts, "</svg>"])


def _drawing(picture: Picture, links: Mapping[int, str]) -> tuple[int, int, list[str]]:
    """The width, the height, and the elements: the arrows below the nodes."""
    spots = _spots(picture)
    width = max((x for x, _ in spots), default=0) + _WIDE + _EDGE
    height = max((y for _, y in spots), default=0) + _HIGH + _EDGE
    of_cause_last = sorted(picture.arrows, key=lambda arrow: picture.nodes[arrow.source].mark is Mark.CAUSE)
    parts = [_curve(arrow, picture, spots) for arrow in of_cause_last]
    for place, (node, (x, y)) in enumerate(zip(picture.nodes, spots, strict=True)):
        box = _box(place, node, x, y)
        to = links.get(place)
        parts.append(f"<a href={quoteattr(to)}>{box}</a>" if to else box)
    return width, height, parts


def _curve(arrow: Arrow, picture: Picture, spots: Sequence[tuple[int, int]]) -> str:
    (x, y), (end, to_y) = spots[arrow.source], spots[arrow.target]
    start, middle, to_middle = x + _WIDE, y + _HIGH // 2, to_y + _HIGH // 2
    if end > start:
        curve = f"M{start} {middle}{_forward(start, middle, end, to_middle)}"
    else:
        curve = f"M{start} {middle}{_back(start, middle, end, to_middle)}"
    of = f' class="of-{picture.nodes[arrow.source].mark}"'
    return f"<path{of} d={quoteattr(curve)}><title>{_text(arrow.why)}</title></path>"


def _forward(start: int, middle: int, end: int, to_middle: int) -> str:
    """An arrow to a later column: past the columns between them in the gap above the row of its target."""
    if end - start <= _GAP_X:
        return _bend(start, middle, end, to_middle)
    lane = to_middle - _HIGH // 2 - _GAP_Y // 2
    return f"{_bend(start, middle, start + _GAP_X, lane)}H{end - _GAP_X}{_bend(end - _GAP_X, lane, end, to_middle)}"


def _bend(x: int, y: int, to_x: int, to_y: int) -> str:
    half = (x + to_x) // 2
    return f"C{half} {y} {half} {to_y} {to_x} {to_y}"


def _back(start: int, middle: int, end: int, to_middle: int) -> str:
    """The arrow that closes a circle: in the gaps between the columns and above all nodes."""
    out, home, under = start + _ROUND, end - _ROUND, _TOP + _ROUND
    return (
        f"Q{out} {middle} {out} {middle - _ROUND}V{under}Q{out} {_TOP} {start} {_TOP}"
        f"H{end}Q{home} {_TOP} {home} {under}V{to_middle - _ROUND}Q{home} {to_middle} {end} {to_middle}"
    )


def _box(place: int, node: Node, x: int, y: int) -> str:
    title = _text(f"{node.label} ({node.mark}){f': {node.note}' if node.note else ''}")
    kind = f"{node.count} {node.kind} in" if node.count > 1 else node.kind
    rule = f" · {node.note.partition(':')[0]}" if node.mark is Mark.CAUSE else ""
    return (
        f'<g id="node-{place}" class="{node.mark}"><title>{title}</title>'
        f'<rect x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}"/>'
        f'<text class="kind" x="{x + 10}" y="{y + 16}">{_text(_cut(kind + rule, 40))}</text>'
        f'<text x="{x + 10}" y="{y + 33}">{_text(_cut(node.name, _SHOWN))}</text></g>'
    )


def _text(text: str) -> str:
    """Return text as SVG shows it; no line of it is a command to a pipeline's runner."""
    return COMMAND.sub(r"\1&#58;", escaped(text))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _spots(picture: Picture) -> list[tuple[int, int]]:
    """Give each node a column, one after what it needs, and a row in the order of the nodes."""
    columns = _columns(picture)
    rows: dict[int, int] = {}
    spots = []
    for column in columns:
        row = rows.get(column, 0)
        rows[column] = row + 1
        spots.append((_EDGE + column * (_WIDE + _GAP_X), _EDGE + row * (_HIGH + _GAP_Y)))
    return spots


def _columns(picture: Picture) -> list[int]:
    """The longest way to each node; arrows that close a circle do not count (Kahn, breaking a circle at its first node).

    What an object applies and reads at once, as a bootstrapped Kustomization its own source, stands before it.
    """
    size = len(picture.nodes)
    columns, open_ = [0] * size, [0] * size
    after: list[list[int]] = [[] for _ in range(size)]
    both = {(a.target, a.source) for a in picture.arrows if a.why != "applies"}
    for arrow in picture.arrows:
        if arrow.why == "applies" and (arrow.source, arrow.target) in both:
            continue
        after[arrow.source].append(arrow.target)
        open_[arrow.target] += 1
    todo = [i for i in range(size) if not open_[i]]
    done = [False] * size
    waiting = iter(range(size))
    while True:
        while todo:
            place = todo.pop()
            if done[place]:
                continue
            done[place] = True
            for target in after[place]:
                if not done[target]:
                    columns[target] = max(columns[target], columns[place] + 1)
                    open_[target] -= 1
                    if not open_[target]:
                        todo.append(target)
        if (first := next((i for i in waiting if not done[i]), None)) is None:
            return columns
        todo.append(first)
