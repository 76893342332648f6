"""The commands that report take the same options for how a report is shown and what is ignored."""

from __future__ import annotations

import click

from fluxdoctor.cli.main import cli

SHARED = (
    "only",
    "ignore",
    "config",
    "no_config",
    "baseline",
    "write_baseline",
    "format_",
    "outputs",
    "fail_on",
    "verbose",
    "width",
)


def options(command: str) -> dict[str, tuple[object, ...]]:
    found = {p.name: p for p in cli.commands[command].params if isinstance(p, click.Option)}
    return {name: (*found[name].opts, found[name].is_flag, found[name].multiple, found[name].help) for name in SHARED}


def test_check_and_diagnose_share_their_options() -> None:
    assert options("check") == options("diagnose")
    assert options("check")["verbose"][:3] == ("--verbose", "-v", True)
