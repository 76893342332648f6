"""The program: its commands, its exit code, and what happens to a pipe that is closed early."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

import click

from fluxdoctor._version import __version__
from fluxdoctor.cli import crash, termination
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
from fluxdoctor.report.plain import plain


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
@click.option("--debug", is_flag=True, expose_value=False, help="Show where an internal error happened.")
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

    signal.signal(signal.SIGTERM, termination.end)  # at the end of a pipeline's time limit
    if sys.stdout is None:  # closed by the parent process: a report may still go to files
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - to the end of the process
    gc.disable()  # facts live to the end of the run: searching them for garbage takes a third of its time
    is_debug = "--debug" in sys.argv[1:]
    threading.excepthook = lambda end: _explain(end.exc_value, is_debug) if end.exc_value else None
    sys.unraisablehook = lambda end: _explain(end.exc_value, is_debug) if is_debug and end.exc_value else None
    try:
        code = _run([word for word in sys.argv[1:] if word != "--debug"])
    except BrokenPipeError:
        _silence()
        sys.exit(141)
    except Exception as error:  # noqa: BLE001 - the one place that catches what nobody expected
        if isinstance(error, OSError) and error.filename is None:
            # The report could not be written (a full disk, a closed stdout): the exit code must not speak for it.
            _silence()
            click.echo(f"fluxdoctor: {error.strerror or error}", err=True)
            sys.exit(crash.EXIT_CODE)
        _explain(error, is_debug)
        _leave(crash.EXIT_CODE)
    _leave(code)


def _run(arguments: list[str]) -> int | str | None:
    """Run the command, flush its output and return the exit code. Raises OSError if the output cannot be written."""
    code: int | str | None
    try:
        code = _invoke(arguments)
    except (SystemExit, click.exceptions.Exit) as end:
        code = end.code if isinstance(end, SystemExit) else end.exit_code
    except click.ClickException as error:
        text = io.StringIO()
        error.show(text)
        click.echo("\n".join(map(plain, text.getvalue().splitlines())), err=True)
        code = 2
    except (KeyboardInterrupt, click.Abort):
        click.echo("fluxdoctor: interrupted", err=True)
        code = 130
    sys.stdout.flush()
    return code


def _invoke(arguments: list[str]) -> int:
    """Run the command. Click's own ``main`` would turn an interruption and a closed pipe into exit code 1: findings."""
    if any(name.endswith("_COMPLETE") for name in os.environ):
        cli.main(arguments, prog_name="fluxdoctor")
    with cli.make_context("fluxdoctor", arguments) as ctx:
        cli.invoke(ctx)
    return 0


def _explain(error: BaseException, is_debug: bool) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # a broken stderr
        sys.stderr.write(crash.explain(error, debug=is_debug))
        sys.stderr.flush()


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
