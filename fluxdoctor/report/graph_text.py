"""The graph as a text tree: under each cause what waits for it, then what is well."""

from __future__ import annotations

import io

from rich.console import Console
from rich.text import Text

from fluxdoctor.report.graph import Arrow, Mark, Picture
from fluxdoctor.report.plain import lines

_STYLE = {
    Mark.CAUSE: "bold red",
    Mark.BLOCKED: "dim",
    Mark.STALE: "yellow",
    Mark.WAITING: "cyan",
    Mark.SUSPENDED: "cyan",
    Mark.WELL: "green",
}
_UNWELL = frozenset((Mark.BLOCKED, Mark.STALE, Mark.WAITING))


def render(picture: Picture, *, width: int, color: bool) -> str:
    """Return the tree; each object stands in it once, a second time only by name."""
    console = Console(
        file=io.StringIO(),
        width=width,
        color_system="standard" if color else None,
        force_terminal=color,
        highlight=False,
    )
    after: dict[int, list[Arrow]] = {}
    for arrow in picture.arrows:
        after.setdefault(arrow.source, []).append(arrow)
    seen: set[int] = set()
    causes = [i for i, node in enumerate(picture.nodes) if node.mark is Mark.CAUSE]
    for place in causes:
        _tree(console, picture, after, place, seen, repeat=True)
    needed = {a.target for a in picture.arrows if a.source not in seen}
    rest = [i for i in range(len(picture.nodes)) if i not in seen]
    if causes and rest:
        console.print()
    for place in [i for i in rest if i not in needed] + rest:
        if place not in seen:
            _tree(console, picture, after, place, seen, repeat=False)
    file = console.file
    assert isinstance(file, io.StringIO)  # noqa: S101 - made above
    return lines(file.getvalue()) or "no Flux object\n"


def _tree(  # noqa: PLR0913 - what to draw, and where to stop
    console: Console, picture: Picture, after: dict[int, list[Arrow]], root: int, seen: set[int], *, repeat: bool
) -> None:
    """Print a node and what comes after it; without recursion, for a chain may be deeper than Python's stack.

    ``repeat``: below a cause, where only what it harms stands; what stood above is named again.
    """
    if root in seen:
        return
    todo: list[tuple[int, str, str, str]] = [(root, "", "", "")]
    while todo:
        place, lead, rest, why = todo.pop()
        node = picture.nodes[place]
        again = place in seen
        if again and not repeat:
            continue
        mark = "" if node.mark is Mark.WELL else f"  [{node.mark}]"
        line = Text(lead, "dim").append(node.label, _STYLE[node.mark]).append(mark, _STYLE[node.mark])
        line.append(f"  {why}" if why else "", "dim").append("  (see above)" if again else "", "dim")
        console.print(line, soft_wrap=True)
        if again:
            continue
        seen.add(place)
        if node.note:
            console.print(Text(f"{rest}   {node.note}"), soft_wrap=True)
        told = {a.target: a for a in reversed(after.get(place, ()))}
        harmed = [a for a in told.values() if picture.nodes[a.target].mark in _UNWELL]
        nexts = harmed[::-1] if repeat else [a for t, a in reversed(told.items()) if t not in seen]
        for i, arrow in reversed(list(enumerate(nexts))):
            last = i == len(nexts) - 1
            todo.append(
                (arrow.target, f"{rest}{'└─ ' if last else '├─ '}", f"{rest}{'   ' if last else '│  '}", arrow.why)
            )
