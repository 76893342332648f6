"""The commands that show the rules themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fluxdoctor.cli.output import SELECT, catalogue, color, columns, known, rule_ids, say, stop, with_options

if TYPE_CHECKING:
    from fluxdoctor.rule import Catalogue


@click.command(short_help="A rule's page: why, how to see it by hand, the fix.")
@click.argument("rule_id", metavar="RULE", shell_complete=rule_ids)
@click.option("--raw", is_flag=True, help="Print the page's Markdown as it is.")
def explain(rule_id: str, raw: bool) -> None:
    """Show a rule's page: why it happens, how to see it by hand, the fix.

    \b
    Examples:
      fluxdoctor explain kustomize/path-not-found
      fluxdoctor explain --raw kustomize/path-not-found   # with its examples
    """
    from fluxdoctor.report import page

    installed = catalogue()
    rule = installed.get(rule_id)
    if rule is None:
        stop(_meant(rule_id, installed))
    if raw:
        click.echo(rule.page, nl=False)
        return
    say(page.render(rule, width=columns(), color=color()), color=color())


def _meant(said: str, installed: Catalogue) -> str:
    from fluxdoctor.report import page

    area = [r.id for r in installed.rules if r.area == said]
    if area:
        return f"{said} is no rule id but an area; `fluxdoctor rules --rule {said}` lists its {len(area)} rules"
    close = page.near(said, installed.rules)
    hint = f"; did you mean {', '.join(close)}?" if close else ""
    return f"no rule is called {said!r}{hint} (fluxdoctor rules lists all)"


@click.command()
@with_options(SELECT)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def rules(only: tuple[str, ...], ignore: tuple[str, ...], format_: str) -> None:
    """List the rules that are installed.

    \b
    Examples:
      fluxdoctor rules
      fluxdoctor rules --rule kustomize --format json
    """
    from fluxdoctor.engine import select
    from fluxdoctor.report import page

    installed = catalogue()
    known([*only, *ignore], installed)
    for skipped in installed.skipped:
        click.echo(f"fluxdoctor: {skipped.why}", err=True)
    chosen = select(installed.rules, only, ignore)
    click.echo(page.catalogue_json(chosen) if format_ == "json" else page.catalogue(chosen, columns()), nl=False)
