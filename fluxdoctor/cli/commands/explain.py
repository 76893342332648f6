"""`fluxdoctor explain`: the page of a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fluxdoctor.cli.catalogue import catalogue, rule_ids
from fluxdoctor.cli.output import color, columns, say, stop

if TYPE_CHECKING:
    from fluxdoctor.rule import Catalogue


@click.command(short_help="Show the page of a rule.")
@click.argument("rule_id", metavar="RULE", shell_complete=rule_ids)
@click.option("--raw", is_flag=True, help="Print the page as Markdown, with its examples.")
def explain(rule_id: str, raw: bool) -> None:
    """Show the page of a rule: why the fault happens, how to verify it, and how to fix it.

    \b
    Examples:
      fluxdoctor explain kustomize/path-not-found
      fluxdoctor explain --raw kustomize/path-not-found   # with its examples
    """
    from fluxdoctor.report import page

    rules = catalogue()
    rule = rules.get(rule_id)
    if rule is None:
        stop(_no_rule(rule_id, rules))
    if raw:
        click.echo(rule.page, nl=False)
        return
    say(page.render(rule, width=columns(), color=color()), color=color())


def _no_rule(name: str, rules: Catalogue) -> str:
    from fluxdoctor.model.similar import suggestion
    from fluxdoctor.report import page

    area = [r.id for r in rules.rules if r.area == name]
    if area:
        return f"{name} is an area, not a rule id; to list its {len(area)} rules, run: fluxdoctor rules --rule {name}"
    hint = suggestion(page.near(name, rules.rules))
    return f"rule {name!r} does not exist{hint} (to list all rules, run: fluxdoctor rules)"
