"""`fluxdoctor rules`: the installed rules."""

from __future__ import annotations

import click

from fluxdoctor.cli.catalogue import catalogue, check_globs
from fluxdoctor.cli.options import SELECT, with_options
from fluxdoctor.cli.output import columns


@click.command()
@with_options(SELECT)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the list.",
)
def rules(only: tuple[str, ...], ignore: tuple[str, ...], format_: str) -> None:
    """List the installed rules.

    \b
    Examples:
      fluxdoctor rules
      fluxdoctor rules --rule kustomize --format json
    """
    from fluxdoctor.engine import select
    from fluxdoctor.report import page

    installed = catalogue()
    check_globs([*only, *ignore], installed)
    for skipped in installed.skipped:
        click.echo(f"fluxdoctor: {skipped.why}", err=True)
    selected = select(installed.rules, only, ignore)
    click.echo(page.catalogue_json(selected) if format_ == "json" else page.catalogue(selected, columns()), nl=False)
