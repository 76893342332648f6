"""How a report is rendered and written, text for this terminal, and how an error ends the program."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from fluxdoctor.report import formats
from fluxdoctor.report.plain import lines, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fluxdoctor.model.finding import Report
    from fluxdoctor.report.context import Context

_ASCII = str.maketrans({"└": "`", "├": "|", "│": "|", "─": "-", "…": "...", "→": "->"})


@dataclass(frozen=True)
class ReportArguments:
    """How to show a report, and when it is a failure."""

    format_: str
    """The format of the standard output."""
    outputs: tuple[tuple[str, Path], ...]
    """Formats and files that the report is written to as well."""
    fail_on: str
    """The lowest severity that causes exit code 1, or never; a settings file can override it."""
    verbose: bool
    """Whether notes, the place of each proof, and every object are shown."""
    width: int | None
    """Columns of the text report; those of the terminal without it."""


def show_report(report: Report, context: Context, show: ReportArguments) -> tuple[str, ...]:
    """Write the report to its files and to the standard output; return an error for each file that cannot be written."""
    errors = _write(report, context, show)
    if show.format_ == "text":
        width = show.width or columns()
        say(_text(report, context, width=width, color=color(), verbose=show.verbose), color=color())
    else:  # UTF-8 in every locale: a machine reads it
        click.echo(formats.render(show.format_, report, context).encode(), nl=False)
    return errors


def end(report: Report, fail_on: str, errors: Iterable[str] = ()) -> NoReturn:
    """End with the exit code of the report, or with 2 if a file could not be written."""
    from fluxdoctor.app.diagnose import exit_code
    from fluxdoctor.model.finding import Severity

    if text := "\n".join(errors):
        stop(text)
    sys.exit(exit_code(report, None if fail_on == "never" else Severity(fail_on)))


def _write(report: Report, context: Context, show: ReportArguments) -> tuple[str, ...]:
    errors = []
    for name, file in show.outputs:
        try:
            if name == "text":
                text = _text(report, context, width=show.width or 100, color=False, verbose=show.verbose)
            else:
                text = formats.render(name, report, context)
            file.write_text(text, "utf-8")
        except OSError as error:
            errors.append(f"--output {name}={file} cannot be written: {error.strerror or error}")
    return tuple(errors)


def _text(report: Report, context: Context, *, width: int, color: bool, verbose: bool) -> str:
    """Return the report as text. Of one object, the chains to its causes come first, or stand alone if there are none."""
    from fluxdoctor.report import chain, ignored, text

    if context.target is None:
        return text.render(report, width=width, color=color, verbose=verbose)
    chains = context.chains(report)
    head = chain.render(
        context.target,
        chains,
        width=width,
        color=color,
        no_finding=ignored.no_finding(report, is_ready=context.is_ready),
    )
    return f"{head}\n{text.render(report, width=width, color=color, verbose=verbose)}" if chains else head


def say(text: str, *, color: bool = False) -> None:
    """Print text for people, in what this terminal's encoding can represent."""
    click.echo(printable(text, sys.stdout.encoding), nl=False, color=color)


def printable(text: str, encoding: str | None) -> str:
    """Return text that an encoding can represent: lines of boxes become ASCII, other characters become escapes."""
    codec = encoding or "ascii"
    try:
        text.encode(codec)
    except LookupError:
        return printable(text, "ascii")
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(codec, "backslashreplace").decode(codec)
    return text


def color() -> bool:
    """Return whether to write colours: not with a non-empty NO_COLOR (https://no-color.org), always with FORCE_COLOR."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def columns() -> int:
    """Return the columns of the terminal, at most 120."""
    import shutil

    return min(shutil.get_terminal_size((100, 24)).columns, 120)


def stop(why: str) -> NoReturn:
    """Print an error, and end with exit code 2."""
    from fluxdoctor.intake.credentials import redacted

    click.echo(lines(f"fluxdoctor: {plain(redacted(why))}"), err=True, nl=False)
    sys.exit(2)
