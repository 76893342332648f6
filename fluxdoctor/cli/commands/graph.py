"""`fluxdoctor graph`: the dependency graph of a cluster or a snapshot, its causes marked."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxdoctor.cli import inputs
from fluxdoctor.cli.catalogue import catalogue
from fluxdoctor.cli.options import FROM, ClusterArguments, cluster_options, option_group
from fluxdoctor.cli.output import color, columns, say, stop

if TYPE_CHECKING:
    from fluxdoctor.report.graph import Picture


FORMATS = ("text", "mermaid", "dot", "svg")


@dataclass(frozen=True)
class GraphArguments:
    """How to draw the graph."""

    format_: str
    """One of FORMATS."""
    output: Path | None
    """The file to write to; the standard output without it."""
    all_: bool
    """Whether every object is drawn by itself, however many there are."""
    width: int | None
    """Columns of the text; those of the terminal without it."""


graph_options = option_group("drawing", GraphArguments, (
    click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True,
                 help="Format of the graph."),
    click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                 help="Write the graph to this file."),
    click.option("--all", "all_", is_flag=True, help="Draw every object separately, even in a large graph."),
    click.option("--width", type=click.IntRange(40, 400), help="Width of the text in columns. Defaults to the terminal."),
))  # fmt: skip


@click.command(short_help="Draw the dependency graph.")
@FROM
@cluster_options
@graph_options
@click.pass_context
def graph(
    ctx: click.Context, /, source: Path | None, cluster: ClusterArguments, drawing: GraphArguments
) -> None:  # fmt: skip
    """Draw the dependency graph of a cluster or a snapshot.

    Root causes are marked, and the objects that they block are dimmed. In a large graph, similar objects are drawn as one.

    \b
    Examples:
      fluxdoctor graph
      fluxdoctor graph --from incident.tgz --format svg -o fleet.svg
      fluxdoctor graph --format mermaid >> incident.md
    """
    from fluxdoctor.app.diagnose import diagnose
    from fluxdoctor.app.live import facts_of
    from fluxdoctor.report.graph import LARGE, draw

    rules = catalogue()
    snapshot = inputs.read(ctx, source, cluster, lambda: facts_of(rules))
    picture = draw(snapshot, diagnose(snapshot, rules), large=sys.maxsize if drawing.all_ else LARGE)
    is_colored = color() and drawing.output is None
    try:
        text = render(picture, drawing.format_, width=drawing.width or columns(), color=is_colored)
        _write(text, drawing, color=is_colored)
    except OSError as error:
        stop(f"{drawing.output}: {error.strerror}")


def render(picture: Picture, format_: str, *, width: int, color: bool) -> str:
    """Return the picture in one of the formats."""
    from fluxdoctor.report import graph_code, graph_svg, graph_text

    if format_ == "text":
        return graph_text.render(picture, width=width, color=color)
    return {"mermaid": graph_code.mermaid, "dot": graph_code.dot, "svg": graph_svg.render}[format_](picture)


def _write(text: str, drawing: GraphArguments, *, color: bool) -> None:
    """Write to the file, or to the standard output: in UTF-8 if other tools read it. Raises OSError."""
    if drawing.output:
        drawing.output.write_text(text, "utf-8")
        click.echo(f"{drawing.output}: {len(text)} characters written", file=sys.stderr)
    elif drawing.format_ == "text":
        say(text, color=color)
    else:
        click.echo(text.encode(), nl=False)
