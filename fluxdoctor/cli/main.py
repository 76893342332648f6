"""The program: its commands, its exit code, and what happens to a pipe that is closed early."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

import click

from fluxdoctor._version import __version__
from fluxdoctor.cli.commands.check import check
from fluxdoctor.cli.commands.completion import completion
from fluxdoctor.cli.commands.config import config
from fluxdoctor.cli.commands.demo import demo
from fluxdoctor.cli.commands.diagnose import diagnose
from fluxdoctor.cli.commands.explain import explain
from fluxdoctor.cli.commands.graph import graph
from fluxdoctor.cli.commands.mcp import mcp
from fluxdoctor.cli.commands.new_rule import new_rule
from fluxdoctor.cli.commands.rbac import rbac
from fluxdoctor.cli.commands.rules import rules
from fluxdoctor.cli.commands.snapshot import snapshot
from fluxdoctor.cli.options import EXITS


class _Group(click.Group):
    """A group that suggests a command for a wrong name."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0] if args else ""
        if name and self.get_command(ctx, name) is None and not name.startswith("-"):
            from fluxdoctor.model.similar import did_you_mean

            names = self.list_commands(ctx)
            hint = did_you_mean(name, names) or f"; commands: {', '.join(names)}"
            raise click.UsageError(f"unknown command {name!r}{hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Group, epilog=EXITS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="fluxdoctor")
def cli() -> None:
    """Find the root causes of a failing Flux fleet, with proof and fix.

    \b
    Try it:
      fluxdoctor demo                           the embedded broken cluster
      fluxdoctor diagnose                       the cluster of the current context
      fluxdoctor diagnose hr/web -n shop        one object: the chain to its cause
      fluxdoctor check                          a git working tree, before it is merged
      fluxdoctor snapshot -o incident.tgz       save what diagnose reads, redacted
      fluxdoctor diagnose --from incident.tgz   replay the snapshot, offline
      fluxdoctor explain helm/chart-version-missing
      fluxdoctor rules                          the catalogue of rules
    """


for _command in (check, completion, config, demo, diagnose, explain, graph, mcp, new_rule, rbac, rules, snapshot):
    cli.add_command(_command)


def main() -> None:
    """Run the command line; a pipe that is closed early is no error."""
    import gc
    import signal

    # At the end of a pipeline's time limit: temporary folders are removed on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if sys.stdout is None:  # closed by the parent process: a report may still go to files
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - to the end of the process
    gc.disable()  # facts live to the end of the run: searching them for garbage takes a third of its time
    try:
        code = _run()
    except BrokenPipeError:
        _silence()
        sys.exit(141)
    except OSError as error:
        # The report could not be written (a full disk, a closed stdout): the exit code must not speak for it.
        _silence()
        click.echo(f"fluxdoctor: {error.strerror or error}", err=True)
        sys.exit(2)
    _leave(code)


def _run() -> int | str | None:
    """Run the command, and flush its output. Raises OSError if the output cannot be written."""
    code: int | str | None = 0
    try:
        cli(prog_name="fluxdoctor")
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    return code


def _leave(code: int | str | None) -> NoReturn:
    """End at once: Python would free the facts object by object, which takes a tenth of the time of a run."""
    if isinstance(code, str) or threading.active_count() > 1:
        sys.exit(code)
    if sys.stderr is not None:
        with contextlib.suppress(OSError):  # a broken stderr: the error cannot be shown
            sys.stderr.flush()
    os._exit(code or 0)


def _silence() -> None:
    """Send the interpreter's last flush to nowhere."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
