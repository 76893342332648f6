"""Renders the graph as a text tree: each root cause with what it affects below it, then the other objects."""

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
    Mark.HEALTHY: "green",
}
_AFFECTED = frozenset((Mark.BLOCKED, Mark.STALE, Mark.WAITING))


def render(picture: Picture, *, width: int, color: bool) -> str:
    """Return the tree. Each object is in it once; where it occurs again, only its name is repeated."""
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
    printed: set[int] = set()
    causes = [i for i, node in enumerate(picture.nodes) if node.mark is Mark.CAUSE]
    for place in causes:
        _tree(console, picture, after, place, printed, is_below_cause=True)
    needed = {a.target for a in picture.arrows if a.source not in printed}
    rest = [i for i in range(len(picture.nodes)) if i not in printed]
    if causes and rest:
        console.print()
    for place in [i for i in rest if i not in needed] + rest:
        if place not in printed:
            _tree(console, picture, after, place, printed, is_below_cause=False)
    file = console.file
    assert isinstance(file, io.StringIO)  # noqa: S101 - set above
    return lines(file.getvalue()) or "no Flux objects\n"


def _tree(  # noqa: PLR0913 - the graph and the state of the output
    console: Console,
    picture: Picture,
    after: dict[int, list[Arrow]],
    root: int,
    printed: set[int],
    *,
    is_below_cause: bool,
) -> None:
    """Print a node and the nodes after it, without recursion: a chain may be deeper than Python's stack.

    ``is_below_cause``: print only what is not ready or stale, and repeat the names of objects that are printed already.
    """
    if root in printed:
        return
    todo: list[tuple[int, str, str, str]] = [(root, "", "", "")]
    while todo:
        place, lead, rest, why = todo.pop()
        node = picture.nodes[place]
        is_repeated = place in printed
        if is_repeated and not is_below_cause:
            continue
        mark = "" if node.mark is Mark.HEALTHY else f"  [{node.mark}]"
        line = Text(lead, "dim").append(node.label, _STYLE[node.mark]).append(mark, _STYLE[node.mark])
        line.append(f"  {why}" if why else "", "dim").append("  (see above)" if is_repeated else "", "dim")
        console.print(line, soft_wrap=True)
        if is_repeated:
            continue
        printed.add(place)
        if node.note:
            console.print(Text(f"{rest}   {node.note}"), soft_wrap=True)
        arrows = {a.target: a for a in reversed(after.get(place, ()))}
        affected = [a for a in arrows.values() if picture.nodes[a.target].mark in _AFFECTED]
        children = affected[::-1] if is_below_cause else [a for t, a in reversed(arrows.items()) if t not in printed]
        for i, arrow in reversed(list(enumerate(children))):
            is_last = i == len(children) - 1
            branch, indent = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
            todo.append((arrow.target, f"{rest}{branch}", f"{rest}{indent}", arrow.why))
