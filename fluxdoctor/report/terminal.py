"""Markdown for a terminal: headings at the left, commands as they are typed, colours only where they are wanted."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, ListItem, Markdown
from rich.segment import Segment
from rich.text import Text
from rich.theme import Theme

_THEME = Theme({
    "markdown.h1": "bold", "markdown.h2": "bold", "markdown.h3": "bold", "markdown.code": "cyan",
    "markdown.code_block": "cyan", "markdown.item.bullet": "none", "markdown.item.number": "none",
    "markdown.link": "underline", "markdown.link_url": "underline",
    "error": "bold red", "warning": "bold yellow", "info": "bold blue",
})  # fmt: skip


class _Heading(Heading):
    """A heading at the left: centred, it is lost above a page of text."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text = self.text.copy()
        text.justify = "left"
        yield text


class _Code(CodeBlock):
    """A command is never broken: it is there to be copied."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        style = console.get_style("markdown.code_block")
        for line in str(self.text).rstrip().splitlines():
            yield Segment(f"    {line}", style)
            yield Segment.line()


class _Item(ListItem):
    """A bullet that every encoding has."""

    def render_bullet(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in super().render_bullet(console, options):
            bullet = isinstance(segment, Segment) and segment.text == " \u2022 "
            yield Segment(" - ") if bullet else segment


class _Page(Markdown):
    elements: ClassVar[dict[str, Any]] = {
        **Markdown.elements, "heading_open": _Heading, "fence": _Code, "code_block": _Code, "list_item_open": _Item,
    }  # fmt: skip


def whole(text: Text) -> Text:
    """Make it one line however narrow the terminal is: a command or an address, which is there to be copied."""
    text.no_wrap = True
    return text


def render(head: Text, markdown: str, foot: Sequence[Text], *, width: int, color: bool) -> str:
    """Return a line, a page and more lines as text of so many columns; only what is `whole` and commands may be wider."""
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=color, color_system="standard" if color else None,
        _environ={"TERM": "xterm"}, theme=_THEME, highlight=False,
    )  # fmt: skip
    for part in (head, "", _Page(markdown, hyperlinks=False), ""):
        console.print(part, crop=False)
    for line in foot:
        console.print(line, soft_wrap=bool(line.no_wrap))
    lines = (line.rstrip() for line in out.getvalue().splitlines())
    return "\n".join(_squeezed(lines)).rstrip() + "\n"


def _squeezed(lines: Iterable[str]) -> list[str]:
    """One empty line where the renderer leaves several."""
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return kept
