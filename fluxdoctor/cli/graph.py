"""`fluxdoctor graph`: the dependency graph of a cluster or a snapshot, its causes marked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fluxdoctor.cli.output import say

if TYPE_CHECKING:
    from fluxdoctor.report.graph import Picture


FORMATS = ("text", "mermaid", "dot", "svg")


def render(picture: Picture, format_: str, *, width: int, color: bool) -> str:
    """Return the picture in one of the formats."""
    from fluxdoctor.report import graph_code, graph_svg, graph_text

    if format_ == "text":
        return graph_text.render(picture, width=width, color=color)
    return {"mermaid": graph_code.mermaid, "dot": graph_code.dot, "svg": graph_svg.render}[format_](picture)


def write(text: str, format_: str, output: Path | None, *, color: bool) -> None:
    """Write to a file, or to the terminal: what other tools read as UTF-8. Raises OSError."""
    if output is None and format_ == "text":
        say(text, color=color)
    elif output is None:
        click.echo(text.encode(), nl=False)
    else:
        output.write_text(text, "utf-8")
        click.echo(f"{output}: {len(text)} characters", file=sys.stderr)


OPTIONS: tuple[Any, ...] = (
    click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True),
    click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write to this file."),
    click.option("--all", "all_", is_flag=True, help="Draw every object by itself, however many there are."),
)  # fmt: skip
