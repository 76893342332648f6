"""The command line: arguments, output, exit code. Each command imports what it needs, so that --help stays quick."""

from __future__ import annotations

import contextlib
import difflib
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from fluxdoctor._version import __version__
from fluxdoctor.cli import check as checking
from fluxdoctor.cli import graph as graph_command
from fluxdoctor.cli import target
from fluxdoctor.cli.named import about, find, focus
from fluxdoctor.report.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fluxdoctor.model.finding import Report
    from fluxdoctor.model.resource import Ref
    from fluxdoctor.model.snapshot import Snapshot, Target
    from fluxdoctor.rule import Catalogue

F = TypeVar("F")

_EXITS = """\b
Exit codes:
  0  nothing at or above --fail-on
  1  findings at or above --fail-on
  2  could not run: usage, or nothing to read
  3  nothing found, but something that was asked for could not be checked"""

_SELECT = (
    click.option("--rule", "only", multiple=True, metavar="GLOB", help="Only these rules: an id, an area, or a glob."),
    click.option("--ignore", multiple=True, metavar="GLOB", help="Leave these rules out: an id, an area, or a glob."),
)
_SHOW = (
    click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True),
    click.option(
        "--fail-on", type=click.Choice(["error", "warning", "info", "never"]), default="error", show_default=True,
        help="The least severity that makes the exit code 1.",
    ),
    click.option("--verbose", "-v", is_flag=True, help="Show notes, where each proof comes from, and every object."),
    click.option("--width", type=click.IntRange(40, 400), help="Columns of the text report; the terminal's by default."),
)  # fmt: skip

_UPGRADE = (
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


def _with(options: Iterable[Any]) -> Callable[[F], F]:
    def wrap(function: F) -> F:
        for option in reversed(tuple(options)):
            function = option(function)
        return function

    return wrap


class _Group(click.Group):
    """A group that suggests the command that was meant."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0] if args else ""
        if name and self.get_command(ctx, name) is None and not name.startswith("-"):
            close = difflib.get_close_matches(name, self.list_commands(ctx), 1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise click.UsageError(f"No such command {name!r}.{hint} Commands: {', '.join(self.list_commands(ctx))}.")
        return super().resolve_command(ctx, args)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="fluxdoctor")
def cli() -> None:
    """Name the root cause of a failing Flux fleet, with proof and the fix.

    \b
    Try it:
      fluxdoctor demo                           the embedded broken cluster
      fluxdoctor diagnose                       the cluster of the current context
      fluxdoctor check                          a git working tree, before it is merged
      fluxdoctor snapshot -o incident.tgz       keep what diagnose sees, redacted
      fluxdoctor diagnose --from incident.tgz   replay it, offline
      fluxdoctor explain helm/chart-version-missing
      fluxdoctor rules                          the catalogue
    """


_FROM = click.option("--from", "source", type=click.Path(path_type=Path), metavar="DIR|TGZ",
                     help="Replay this snapshot, instead of reading a cluster.")  # fmt: skip


@cli.command(epilog=_EXITS)
@click.argument("named", metavar="[KIND/NAME]", required=False)
@_FROM
@_with(target.CLUSTER)
@_with(_UPGRADE)
@_with(_SELECT + _SHOW)
@click.pass_context
def diagnose(
    ctx: click.Context,
    /,
    named: str | None,
    source: Path | None,
    only: tuple[str, ...],
    ignore: tuple[str, ...],
    **options: Any,
) -> None:
    """Diagnose a cluster, or a snapshot of one, and report its root causes, the first thing to fix first.

    With KIND/NAME, the chain from that object to its causes, link by link, each with its proof.

    \b
    Examples:
      fluxdoctor diagnose
      fluxdoctor diagnose --context prod-eu -n apps --no-probe
      fluxdoctor diagnose kustomization/apps -n flux-system
      fluxdoctor diagnose --from ./incident --rule 'helm/*' --format json
      fluxdoctor diagnose --from incident.tgz --ignore notify --fail-on warning
      fluxdoctor diagnose --target-flux 2.9 --target-kubernetes 1.36
    """
    asked = _target(options.pop("target_flux"), options.pop("target_kubernetes"))
    show = {name: options.pop(name) for name in ("format_", "fail_on", "verbose", "width")}
    started = time.monotonic()
    catalogue = _catalogue()
    _known([*only, *ignore], catalogue)
    snapshot = _snapshot(ctx, source, _needs(catalogue, only, ignore), options, named)
    if asked:
        snapshot = replace(snapshot, target=asked)
    if named:
        show["target"] = find(named, snapshot, options["namespaces"])
    _report(snapshot, started, only, ignore, catalogue, **show)


def _snapshot(
    ctx: click.Context, source: Path | None, needs: frozenset[type], options: dict[str, Any], named: str | None = None
) -> Snapshot:
    """Replay or read; a namespace says, for a snapshot, only where the named object is."""
    if source is None:
        return _live(needs, {**options, "focus": focus(named, options["namespaces"]) if named else None})
    other = {name: value for name, value in options.items() if not (named and name == "namespaces")}
    if given := target.is_given(other, ctx):
        raise click.UsageError(f"--from replays a snapshot; {', '.join(given)} would be for a cluster")
    return _replayed(source)


@cli.command()
@_FROM
@_with(target.CLUSTER)
@_with(graph_command.OPTIONS)
@click.option("--width", type=click.IntRange(40, 400), help="Columns of the text; the terminal's by default.")
@click.pass_context
def graph(  # noqa: PLR0913, PLR0917 - what of, and how to draw it
    ctx: click.Context,
    /,
    source: Path | None,
    format_: str,
    output: Path | None,
    all_: bool,
    width: int | None,
    **options: Any,
) -> None:
    """Draw the dependency graph: root causes marked, what they block dimmed, what is alike drawn as one when it is large.

    \b
    Examples:
      fluxdoctor graph
      fluxdoctor graph --from incident.tgz --format svg -o fleet.svg
      fluxdoctor graph --format mermaid >> incident.md
    """
    from fluxdoctor.diagnose import diagnose as run
    from fluxdoctor.report.graph import LARGE, draw

    catalogue = _catalogue()
    snapshot = _snapshot(ctx, source, _needs(catalogue), options)
    picture = draw(snapshot, run(snapshot, catalogue), large=sys.maxsize if all_ else LARGE)
    color = _color() and output is None
    try:
        graph_command.write(
            graph_command.render(picture, format_, width=width or _width(), color=color), output, color=color
        )
    except OSError as error:
        _stop(f"{output}: {error.strerror}")


@cli.command(epilog=_EXITS)
@_with(checking.OPTIONS)
@_with(_UPGRADE)
@_with(_SELECT + _SHOW)
def check(path: Path, only: tuple[str, ...], ignore: tuple[str, ...], **options: Any) -> None:
    """Check a repository before it is deployed: each of its clusters, as Flux would build it. No cluster is needed.

    \b
    Examples:
      fluxdoctor check
      fluxdoctor check ../fleet --cluster clusters/production
      fluxdoctor check --changed-since origin/main --fail-on warning
      fluxdoctor check --target-flux 2.9 --target-kubernetes 1.36
    """
    asked = _target(options.pop("target_flux"), options.pop("target_kubernetes"))
    catalogue = _catalogue()
    _known([*only, *ignore], catalogue)
    try:
        report = checking.report(path, catalogue, only, ignore, target=asked, **checking.arguments(options))
    except checking.CheckError as error:
        _stop(str(error))
    _show(report, **options)


def _target(flux: str, kubernetes: str) -> Target | None:
    from fluxdoctor.model.snapshot import Target

    try:
        return Target.parse(flux, kubernetes)
    except ValueError as error:
        raise click.UsageError(f"--target-flux, --target-kubernetes: {error}") from None


def _replayed(source: Path) -> Snapshot:
    from fluxdoctor.collect.archive import SnapshotError
    from fluxdoctor.collect.folder import load

    try:
        return load(source)
    except SnapshotError as error:
        _stop(str(error))


def _live(needs: frozenset[type], options: dict[str, Any]) -> Snapshot:
    from fluxdoctor.collect.kube.login import ClusterError

    try:
        return target.read(needs, **options)
    except ClusterError as error:
        _stop(str(error))


def _needs(catalogue: Catalogue, only: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> frozenset[type]:
    """Return the kinds of facts that the chosen rules read: the others are not fetched."""
    from fluxdoctor.engine import select

    return frozenset(need.fact for rule in select(catalogue.rules, only, ignore) for need in rule.needs)


@cli.command()
@click.option("--output", "-o", "output", required=True, type=click.Path(path_type=Path), metavar="DIR|TGZ",
              help="A folder that is empty or not there, or a file that ends in .tgz.")  # fmt: skip
@_with(target.CLUSTER)
def snapshot(output: Path, **options: Any) -> None:
    """Keep what diagnose sees of a cluster, redacted, to replay it later or elsewhere.

    \b
    No Secret value is in it: what is kept instead is said in docs/snapshot-folder.md.

    \b
    Examples:
      fluxdoctor snapshot -o incident.tgz
      fluxdoctor snapshot -o ./incident --context prod-eu -n apps
      fluxdoctor diagnose --from incident.tgz
    """
    from fluxdoctor.collect import save

    try:
        save.check(output)
        taken = _live(_needs(_catalogue()), options)
        save.save(taken, output)
    except OSError as error:
        _stop(str(error))
    click.echo(
        f"{output}: {len(taken.cluster)} objects of {taken.name}, taken {taken.taken:%Y-%m-%d %H:%M:%SZ}", err=True
    )
    for gap in taken.gaps:
        click.echo(f"not seen: {plain(gap.what)}: {plain(gap.why)}", err=True)


@cli.command()
@click.option("--namespace", "-n", metavar="NAME", default="", help="A Role for one namespace, not a ClusterRole.")
@click.option("--service-account", "account", metavar="NAMESPACE/NAME", default="", help="Bind it to this account too.")
def rbac(namespace: str, account: str) -> None:
    """Print the least role that a full diagnosis needs: read-only.

    \b
    Examples:
      fluxdoctor rbac | kubectl apply -f -
      fluxdoctor rbac --service-account tools/fluxdoctor | kubectl apply -f -
    """
    from fluxdoctor.collect.kube import rights

    click.echo(rights.manifest(namespace, account), nl=False)


@cli.command(epilog=_EXITS)
@_with(_SHOW)
def demo(**show: Any) -> None:
    """Diagnose the embedded broken cluster: an incident recorded from real Flux controllers."""
    from importlib import resources

    from fluxdoctor.collect.folder import load

    started = time.monotonic()
    with resources.as_file(resources.files("fluxdoctor").joinpath("demo")) as folder:
        snapshot = load(folder)
    _report(snapshot, started, (), (), _catalogue(), **show)


def _report(  # noqa: PLR0913 - what to show, of what, chosen how
    snapshot: Snapshot, started: float, only: tuple[str, ...], ignore: tuple[str, ...], catalogue: Catalogue,
    *, fail_on: str, target: Ref | None = None, **show: Any,
) -> NoReturn:  # fmt: skip
    from fluxdoctor.diagnose import diagnose as run
    from fluxdoctor.diagnose import timed

    loaded = time.monotonic()
    report = run(snapshot, catalogue, only=only, ignore=ignore)
    report = timed(report, {"load": loaded - started, "diagnose": time.monotonic() - loaded})
    if target:
        report = about(target, report, snapshot, render=lambda chosen: _render(chosen, **show), color=_color(), **show)
        _end(report, fail_on)
    _show(report, fail_on=fail_on, **show)


def _show(report: Report, *, fail_on: str, **show: Any) -> NoReturn:
    click.echo(_render(report, **show), nl=False, color=_color())
    _end(report, fail_on)


def _end(report: Report, fail_on: str) -> NoReturn:
    from fluxdoctor.diagnose import exit_code
    from fluxdoctor.model.finding import Severity

    sys.exit(exit_code(report, None if fail_on == "never" else Severity(fail_on)))


def _render(report: Report, *, format_: str, verbose: bool, width: int | None) -> str:
    if format_ == "json":
        from fluxdoctor.report import json

        return json.render(report)
    from fluxdoctor.report import text

    return text.render(report, width=width or _width(), color=_color(), verbose=verbose)


def _color() -> bool:
    """https://no-color.org: any NO_COLOR that is not empty; FORCE_COLOR the other way round."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def _width() -> int:
    import shutil

    return min(shutil.get_terminal_size((100, 24)).columns, 120)


def _catalogue() -> Catalogue:
    from fluxdoctor.rule import RuleError, installed

    try:
        return installed()
    except RuleError as error:
        _stop(str(error))


def _known(globs: Iterable[str], catalogue: Catalogue) -> None:
    """A glob that matches no rule is a typing error, not a quiet nothing."""
    from fluxdoctor.engine import select

    for glob in globs:
        if not select(catalogue.rules, [glob]):
            ids = [r.id for r in catalogue.rules]
            close = difflib.get_close_matches(glob, [*ids, *{r.area for r in catalogue.rules}], 3, 0.5)
            hint = f"; did you mean {', '.join(close)}?" if close else ""
            _stop(f"no rule matches {glob!r}{hint} (fluxdoctor rules lists all)")


def _stop(why: str) -> NoReturn:
    click.echo(f"fluxdoctor: {plain(why)}", err=True)
    sys.exit(2)


@cli.command()
@click.argument("rule_id", metavar="RULE")
@click.option("--raw", is_flag=True, help="Print the page's Markdown as it is.")
def explain(rule_id: str, raw: bool) -> None:
    """Show a rule's page: why it happens, how to see it by hand, the fix.

    \b
    Example:
      fluxdoctor explain kustomize/path-not-found
    """
    catalogue = _catalogue()
    _known([rule_id], catalogue)
    rule = catalogue.get(rule_id)
    if rule is None:
        matching = ", ".join(r.id for r in catalogue.rules if r.area == rule_id)
        _stop(f"{rule_id} is no rule id" + (f"; its rules are {matching}" if matching else ""))
    if raw:
        click.echo(rule.page, nl=False)
        return
    from fluxdoctor.report import page

    click.echo(page.render(rule, width=_width(), color=_color()), nl=False, color=_color())


@cli.command()
@_with(_SELECT)
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

    catalogue = _catalogue()
    _known([*only, *ignore], catalogue)
    for skipped in catalogue.skipped:
        click.echo(f"fluxdoctor: {skipped.why}", err=True)
    chosen = select(catalogue.rules, only, ignore)
    click.echo(page.catalogue_json(chosen) if format_ == "json" else page.catalogue(chosen, _width()), nl=False)


def main() -> None:
    """Run the command line; a pipe that is closed early is no error."""
    import gc
    import signal

    # Ended by a pipeline's time limit: what a run keeps in temporary folders is taken away on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    gc.disable()  # a run makes facts that stay to its end: looking through them for garbage is a third of its time
    try:
        cli(prog_name="fluxdoctor")
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
        sys.exit(141)
    except OSError as error:
        # The report could not be written (a full disk, a closed stdout): its exit code would say what nobody can read.
        _silence()
        click.echo(f"fluxdoctor: {error.strerror or error}", err=True)
        sys.exit(2)


def _silence() -> None:
    """Let the interpreter's last flush go nowhere."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
