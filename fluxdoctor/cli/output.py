"""What the commands share: options, the catalogue, how a report is written, and how a mistake is told."""

from __future__ import annotations

import difflib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from fluxdoctor.report import formats
from fluxdoctor.report.formats import NAMES
from fluxdoctor.report.plain import lines, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fluxdoctor.model.finding import Report
    from fluxdoctor.report.context import Context
    from fluxdoctor.rule import Catalogue

F = TypeVar("F")
T = TypeVar("T")

EXITS = """\b
Exit codes:
  0  nothing at or above --fail-on
  1  findings at or above --fail-on
  2  could not run: usage, or nothing to read
  3  nothing found, but something that was asked for could not be checked"""


def _outputs(_: click.Context, __: click.Parameter, written: tuple[str, ...]) -> tuple[tuple[str, Path], ...]:
    """Read FORMAT=FILE. Raises BadParameter where it is not that, or a file would be written twice."""
    found: list[tuple[str, Path]] = []
    for text in written:
        name, equals, file = text.partition("=")
        if not equals or not file or name not in NAMES:
            raise click.BadParameter(f"{text!r} is not FORMAT=FILE, with a format of {', '.join(NAMES)}")
        if any(Path(file) == other for _name, other in found):
            raise click.BadParameter(f"{file} would be written twice")
        found.append((name, Path(file)))
    return tuple(found)


def rule_ids(_: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """What a shell completes where a rule is asked for; where a glob is, areas too."""
    rules = catalogue().rules
    areas = {r.area for r in rules} if isinstance(parameter, click.Option) else set()
    return sorted(name for name in areas.union(r.id for r in rules) if name.startswith(begun))


def _formats(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    return [f"{name}=" for name in NAMES if name.startswith(begun)]


_ASCII = str.maketrans({"└": "`", "├": "|", "│": "|", "─": "-", "…": "...", "→": "->"})
SELECT = (
    click.option("--rule", "only", multiple=True, metavar="GLOB", shell_complete=rule_ids,
                 help="Only these rules: an id, an area, or a glob."),
    click.option("--ignore", multiple=True, metavar="GLOB", shell_complete=rule_ids,
                 help="Leave these rules out: an id, an area, or a glob."),
)  # fmt: skip
FAIL_ON = click.option(
    "--fail-on", type=click.Choice(["error", "warning", "info", "never"]), default="error", show_default=True,
    help="The least severity that makes the exit code 1.",
)  # fmt: skip
SHOW = (
    click.option("--format", "format_", type=click.Choice(NAMES), default="text", show_default=True),
    click.option("--output", "outputs", multiple=True, metavar="FORMAT=FILE", callback=_outputs, shell_complete=_formats,
                 help="Also write the report in this format to this file; may be given more than once."),
    FAIL_ON,
    click.option("--verbose", "-v", is_flag=True, help="Show notes, where each proof comes from, and every object."),
    click.option("--width", type=click.IntRange(40, 400), help="Columns of the text report; the terminal's by default."),
)  # fmt: skip

UPGRADE = (
    click.option(
        "--target-flux", metavar="MINOR", default="", help="Report what an upgrade to this Flux (2.9) breaks."
    ),
    click.option(
        "--target-kubernetes",
        metavar="MINOR",
        default="",
        help="Report what an upgrade to this Kubernetes (1.36) breaks.",
    ),
)


def with_options(options: Iterable[Any]) -> Callable[[F], F]:
    """Give a command these options, in their order."""

    def wrap(function: F) -> F:
        for option in reversed(tuple(options)):
            function = option(function)
        return function

    return wrap


def render(report: Report, context: Context, *, format_: str, verbose: bool, width: int | None) -> str:
    """Return a report in the format that was asked for, text as this terminal can show it."""
    if format_ != "text":
        return formats.render(format_, report, context)
    return _text(report, context, width=width or columns(), color=color(), verbose=verbose)


def write(
    report: Report, context: Context, outputs: Iterable[tuple[str, Path]], *, verbose: bool, width: int | None
) -> tuple[str, ...]:
    """Write the report to files, each in its format; return what is to be said of those that could not be written."""
    wrong = []
    for name, file in outputs:
        try:
            if name == "text":
                file.write_text(_text(report, context, width=width or 100, color=False, verbose=verbose), "utf-8")
            else:
                file.write_text(formats.render(name, report, context), "utf-8")
        except OSError as error:
            wrong.append(f"--output {name}={file} cannot be written: {error.strerror or error}")
    return tuple(wrong)


def _text(report: Report, context: Context, *, width: int, color: bool, verbose: bool) -> str:
    """Of one object, the chains to its causes come first; where it has none, they are all there is to say."""
    from fluxdoctor.report import chain, text

    if context.target is None:
        return text.render(report, width=width, color=color, verbose=verbose)
    found = context.chains(report)
    way = chain.render(context.target, found, width=width, color=color)
    return f"{way}\n{text.render(report, width=width, color=color, verbose=verbose)}" if found else way


def say(text: str, *, color: bool = False) -> None:
    """Print text for people, as this terminal's encoding can show it."""
    click.echo(printable(text, sys.stdout.encoding), nl=False, color=color)


def printable(text: str, encoding: str | None) -> str:
    """Return text that an encoding has: lines of boxes become ASCII, what else it lacks an escape."""
    known = encoding or "ascii"
    try:
        text.encode(known)
    except LookupError:
        return printable(text, "ascii")
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(known, "backslashreplace").decode(known)
    return text


def color() -> bool:
    """Tell whether to write colours. https://no-color.org: any NO_COLOR that is not empty; FORCE_COLOR the other way round."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def columns() -> int:
    """Return the columns of the terminal, 120 at the most."""
    import shutil

    return min(shutil.get_terminal_size((100, 24)).columns, 120)


def catalogue() -> Catalogue:
    """Load the installed rules; two packs with one rule are an error and exit code 2."""
    from fluxdoctor.rule import RuleError, installed

    try:
        return installed()
    except RuleError as error:
        stop(str(error))


def meanwhile(work: Callable[[], T]) -> Callable[[], T]:
    """Begin a piece of work beside what follows; return how to get its result, which waits for it and raises what it raised."""
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1, thread_name_prefix="meanwhile")
    result = pool.submit(work)
    pool.shutdown(wait=False)
    return result.result


def known(globs: Iterable[str], rules: Catalogue) -> None:
    """Stop where a glob matches no rule: that is a typing error, not a quiet nothing."""
    from fluxdoctor.engine import select

    for glob in globs:
        if not select(rules.rules, [glob]):
            ids = [r.id for r in rules.rules]
            close = difflib.get_close_matches(glob, [*ids, *{r.area for r in rules.rules}], 3, 0.5)
            hint = f"; did you mean {', '.join(close)}?" if close else ""
            stop(f"no rule matches {glob!r}{hint} (fluxdoctor rules lists all)")


def stop(why: str) -> NoReturn:
    """Say on stderr why nothing could be done, and end with exit code 2."""
    click.echo(lines(f"fluxdoctor: {plain(why)}"), err=True, nl=False)
    sys.exit(2)
