"""`fluxdoctor config`: the settings in force."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxdoctor.cli import effective_settings
from fluxdoctor.cli.catalogue import catalogue
from fluxdoctor.cli.effective_settings import FILE, SettingsArguments
from fluxdoctor.cli.options import FAIL_ON, SELECT, option_group
from fluxdoctor.cli.output import stop
from fluxdoctor.report.plain import plain

if TYPE_CHECKING:
    from fluxdoctor.settings.values import Ignore, Setting, Settings


@click.command(short_help="Show the settings in force.")
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--explain", is_flag=True, help="Show where each setting comes from.")
@option_group("arguments", SettingsArguments, (*FILE, *SELECT))
@FAIL_ON
@click.pass_context
def config(ctx: click.Context, /, path: Path, explain: bool, arguments: SettingsArguments, fail_on: str) -> None:
    """Show the settings in force for a folder, from its settings file and the options.

    \b
    Examples:
      fluxdoctor config --explain
      fluxdoctor config ../fleet --explain --fail-on warning
    """
    if not path.is_dir():
        stop(f"{path}: no such folder; specify the folder whose settings to show")
    effective = effective_settings.read(ctx, path, arguments, fail_on)
    effective.check_rules(catalogue())
    rows = list(_rows(effective.settings))
    names, places = (max(len(row[i]) for row in rows) for i in (0, 2))
    for name, value, where in rows:
        place = f"{where:<{places}}  " if explain else ""
        click.echo(plain(f"{name:<{names}}  {place}{value}"))  # the longest column stands last


def _rows(settings: Settings) -> Iterator[tuple[str, str, str]]:
    yield "file", settings.file or "none", ""
    yield "fail-on", settings.fail_on.value, settings.fail_on.where
    yield "baseline", str(settings.baseline.value or "none"), settings.baseline.where
    yield "rules.select", *_globs(settings.select, "all")
    yield "rules.ignore", *_globs(settings.without, "none")
    for glob, severity in settings.severities:
        yield f"severity.{glob}", severity.value, severity.where
    for ignore in settings.ignores:
        yield "ignore", _ignore(ignore), ignore.where


def _globs(setting: Setting[tuple[str, ...]], nothing: str) -> tuple[str, str]:
    return ", ".join(setting.value) or nothing, setting.where


def _ignore(ignore: Ignore) -> str:
    means = {"path": ignore.path, "object": ignore.object, "cluster": ignore.cluster, "until": ignore.expires}
    parts = [ignore.rule, *(f"{name} {value}" for name, value in means.items() if value)]
    return f"{' '.join(parts)}: {ignore.reason or 'no reason'}"
