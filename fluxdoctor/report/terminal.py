"""Renders Markdown for a terminal: headings aligned left, commands without line breaks, colours only on request."""

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
    """A heading aligned left; a centred one is easily missed above a page of text."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text = self.text.copy()
        text.justify = "left"
        yield text


class _Code(CodeBlock):
    """A code block without line breaks, so that its commands can be copied."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        style = console.get_style("markdown.code_block")
        for line in str(self.text).rstrip().splitlines():
            yield Segment(f"    {line}", style)
            yield Segment.line()


class _Item(ListItem):
    """A list item with an ASCII bullet, which every encoding has."""

    def render_bullet(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in super().render_bullet(console, options):
            is_bullet = isinstance(segment, Segment) and segment.text == " \u2022 "
            yield Segment(" - ") if is_bullet else segment


class _Page(Markdown):
    """Markdown with the elements above."""

    elements: ClassVar[dict[str, Any]] = {
        **Markdown.elements, "heading_open": _Heading, "fence": _Code, "code_block": _Code, "list_item_open": _Item,
    }  # fmt: skip


def no_wrap(text: Text) -> Text:
    """Mark a text as one line that does not wrap, so that a command or a URL can be copied, and return it."""
    text.no_wrap = True
    return text


def render(head: Text, markdown: str, foot: Sequence[Text], *, width: int, color: bool) -> str:
    """Return a line, a page and more lines as text of ``width`` columns; only commands and `no_wrap` lines may be wider."""
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
    return "\n".join(_squeeze(lines)).rstrip() + "\n"


def _squeeze(lines: Iterable[str]) -> list[str]:
    """Return the lines with runs of empty lines reduced to one."""
    squeezed: list[str] = []
    for line in lines:
        if line or (squeezed and squeezed[-1]):
            squeezed.append(line)
    return squeezed
