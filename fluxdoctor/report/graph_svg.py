"""Renders the graph as one SVG file without scripts, fonts or external links, for light and dark schemes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape as escaped
from xml.sax.saxutils import quoteattr

from fluxdoctor.model.flux import Edge
from fluxdoctor.report.graph import Arrow, Mark, Node, Picture
from fluxdoctor.report.plain import COMMAND

#: The size of a node, the gaps between nodes and the margin, in pixels.
_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 250, 44, 90, 16, 20
#: Characters that fit into a node.
_MAX_NAME, _MAX_KIND = 31, 40
#: An arrow that leads back: the y of its horizontal part, and the radius of its corners.
_TOP, _RADIUS = 4, 9
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
    """Return the SVG. An object is to the left of the objects that need it; the title of a root cause is its finding."""
    width, height, parts = _drawing(picture, {})
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    head = [opening, "<title>Flux dependency graph</title>", f"<style>{_CSS}</style>"]
    return "\n".join([*head, *parts, "</svg>"]) + "\n"


def inline(picture: Picture, links: Mapping[int, str]) -> str:
    """Return the SVG as a part of a page that has the styles. ``links``: the target of a click on a node, by its index.

    ``#node-3`` links to node 3.
    """
    width, height, parts = _drawing(picture, links)
    opening = f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="group" aria-label="Dependency graph">'
    return "\n".join([opening, *parts, "</svg>"])


def _drawing(picture: Picture, links: Mapping[int, str]) -> tuple[int, int, list[str]]:
    """Return the width, the height and the elements; the arrows are drawn below the nodes."""
    positions = _positions(picture)
    width = max((x for x, _ in positions), default=0) + _WIDTH + _MARGIN
    height = max((y for _, y in positions), default=0) + _HEIGHT + _MARGIN
    causes_last = sorted(picture.arrows, key=lambda arrow: picture.nodes[arrow.source].mark is Mark.CAUSE)
    parts = [_curve(arrow, picture, positions) for arrow in causes_last]
    for place, (node, (x, y)) in enumerate(zip(picture.nodes, positions, strict=True)):
        box = _box(place, node, x, y)
        link = links.get(place)
        parts.append(f"<a href={quoteattr(link)}>{box}</a>" if link else box)
    return width, height, parts


def _curve(arrow: Arrow, picture: Picture, positions: Sequence[tuple[int, int]]) -> str:
    """Return the path of an arrow, from the right side of its source to the left side of its target."""
    (x, y), (end, to_y) = positions[arrow.source], positions[arrow.target]
    start, middle, to_middle = x + _WIDTH, y + _HEIGHT // 2, to_y + _HEIGHT // 2
    if end > start:
        curve = f"M{start} {middle}{_forward(start, middle, end, to_middle)}"
    else:
        curve = f"M{start} {middle}{_back(start, middle, end, to_middle)}"
    class_ = f' class="of-{picture.nodes[arrow.source].mark}"'
    return f"<path{class_} d={quoteattr(curve)}><title>{_text(arrow.why)}</title></path>"


def _forward(start: int, middle: int, end: int, to_middle: int) -> str:
    """Return an arrow to a later column; it passes the columns in between through the gap above the row of its target."""
    if end - start <= _GAP_X:
        return _bend(start, middle, end, to_middle)
    lane = to_middle - _HEIGHT // 2 - _GAP_Y // 2
    return f"{_bend(start, middle, start + _GAP_X, lane)}H{end - _GAP_X}{_bend(end - _GAP_X, lane, end, to_middle)}"


def _bend(x: int, y: int, to_x: int, to_y: int) -> str:
    """Return a curve that begins and ends horizontally."""
    half = (x + to_x) // 2
    return f"C{half} {y} {half} {to_y} {to_x} {to_y}"


def _back(start: int, middle: int, end: int, to_middle: int) -> str:
    """Return an arrow that closes a cycle: it runs through the gaps between the columns and above all nodes."""
    right, to_x, lower = start + _RADIUS, end - _RADIUS, _TOP + _RADIUS
    return (
        f"Q{right} {middle} {right} {middle - _RADIUS}V{lower}Q{right} {_TOP} {start} {_TOP}"
        f"H{end}Q{to_x} {_TOP} {to_x} {lower}V{to_middle - _RADIUS}Q{to_x} {to_middle} {end} {to_middle}"
    )


def _box(place: int, node: Node, x: int, y: int) -> str:
    """Return the rectangle of a node with its kind and name."""
    title = _text(f"{node.label} ({node.mark}){f': {node.note}' if node.note else ''}")
    kind = f"{node.count} {node.kind} in" if node.count > 1 else node.kind
    rule = f" · {node.rule}" if node.mark is Mark.CAUSE else ""
    return (
        f'<g id="node-{place}" class="{node.mark}"><title>{title}</title>'
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}"/>'
        f'<text class="kind" x="{x + 10}" y="{y + 16}">{_text(_cut(kind + rule, _MAX_KIND))}</text>'
        f'<text x="{x + 10}" y="{y + 33}">{_text(_cut(node.name, _MAX_NAME))}</text></g>'
    )


def _text(text: str) -> str:
    """Return text escaped for SVG; no line of it is a command to a pipeline's runner."""
    return COMMAND.sub(r"\1&#58;", escaped(text))


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _positions(picture: Picture) -> list[tuple[int, int]]:
    """Return the x and y of each node: its column is after everything that it needs, its row by the order of the nodes."""
    columns = _columns(picture)
    rows: dict[int, int] = {}
    positions = []
    for column in columns:
        row = rows.get(column, 0)
        rows[column] = row + 1
        positions.append((_MARGIN + column * (_WIDTH + _GAP_X), _MARGIN + row * (_HEIGHT + _GAP_Y)))
    return positions


def _columns(picture: Picture) -> list[int]:
    """Return the length of the longest path to each node, without arrows that close a cycle.

    This is Kahn's algorithm; a cycle is broken at its first node. If an object applies an object that it also needs, as a
    bootstrapped Kustomization applies its own source, only the need counts.
    """
    size = len(picture.nodes)
    columns, pending = [0] * size, [0] * size
    after: list[list[int]] = [[] for _ in range(size)]
    both = {(a.target, a.source) for a in picture.arrows if a.why != Edge.APPLIES}
    for arrow in picture.arrows:
        if arrow.why == Edge.APPLIES and (arrow.source, arrow.target) in both:
            continue
        after[arrow.source].append(arrow.target)
        pending[arrow.target] += 1
    todo = [i for i in range(size) if not pending[i]]
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
                    pending[target] -= 1
                    if not pending[target]:
                        todo.append(target)
        if (first := next((i for i in waiting if not done[i]), None)) is None:
            return columns
        todo.append(first)
