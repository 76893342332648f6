"""The graph as one SVG file: no script, no font, no link to anything; light and dark."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from fluxdoctor.report.graph import Mark, Picture

_WIDE, _HIGH, _GAP_X, _GAP_Y, _EDGE = 250, 44, 90, 16, 20
_SHOWN = 34
_CSS = """
svg{background:#fff;font:12px system-ui,sans-serif}rect{fill:#dafbe1;stroke:#57606a;rx:6}
text{fill:#1f2328}.kind{fill:#57606a;font-size:10px}
path{fill:none;stroke:#8c959f;stroke-width:1.2}.cause rect{fill:#d1242f;stroke:#82071e;stroke-width:3}.cause text{fill:#fff}
.blocked{opacity:.5}.blocked rect{fill:#eaeef2}.stale rect{fill:#fff8c5;stroke-dasharray:4}.waiting rect{fill:#ddf4ff}
.suspended rect{fill:#eaeef2;stroke-dasharray:4}
@media(prefers-color-scheme:dark){svg{background:#0d1117}path{stroke:#6e7681}}
""".strip()


def render(picture: Picture) -> str:
    """Return the SVG: what is needed to the left of what needs it; the title of a cause is its finding."""
    spots = _spots(picture)
    width = max((x for x, _ in spots), default=0) + _WIDE + _EDGE
    height = max((y for _, y in spots), default=0) + _HIGH + _EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        "<title>Flux dependency graph</title>",
        f"<style>{_CSS}</style>",
    ]
    for arrow in picture.arrows:
        (x, y), (to_x, to_y) = spots[arrow.source], spots[arrow.target]
        start, end, bend = x + _WIDE, to_x, max(40, abs(to_x - x - _WIDE) // 2)
        middle, to_middle = y + _HIGH // 2, to_y + _HIGH // 2
        curve = f"M{start} {middle}C{start + bend} {middle} {end - bend} {to_middle} {end} {to_middle}"
        parts.append(f"<path d={quoteattr(curve)}><title>{escape(arrow.why)}</title></path>")
    for node, (x, y) in zip(picture.nodes, spots, strict=True):
        title = escape(f"{node.label} ({node.mark}){f': {node.note}' if node.note else ''}")
        kind = f"{node.count} {node.kind} in" if node.count > 1 else node.kind
        rule = f" · {node.note.partition(':')[0]}" if node.mark is Mark.CAUSE else ""
        parts.append(
            f'<g class="{node.mark}"><title>{title}</title><rect x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}"/>'
            f'<text class="kind" x="{x + 10}" y="{y + 16}">{escape(_cut(kind + rule, 42))}</text>'
            f'<text x="{x + 10}" y="{y + 33}">{escape(_cut(node.name, _SHOWN))}</text></g>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


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
    """The longest way to each node; arrows that close a circle do not count (Kahn, breaking a circle at its first node)."""
    size = len(picture.nodes)
    columns, open_ = [0] * size, [0] * size
    after: list[list[int]] = [[] for _ in range(size)]
    for arrow in picture.arrows:
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
