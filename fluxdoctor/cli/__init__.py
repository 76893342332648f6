"""The command line: arguments, output, exit code. Each command imports what it needs, so that --help stays quick."""

from __future__ import annotations

import difflib
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from fluxdoctor._version import __version__
from fluxdoctor.cli import check as checking
from fluxdoctor.cli import effective_settings, ending, target
from fluxdoctor.cli import graph as graph_command
from fluxdoctor.cli import publish as publishing
from fluxdoctor.cli.catalogue import explain, rules
from fluxdoctor.cli.completion import completion
from fluxdoctor.cli.config import config
from fluxdoctor.cli.mcp import mcp
from fluxdoctor.cli.new_rule import new_rule
from fluxdoctor.cli.object_argument import about, find, focus
from fluxdoctor.cli.output import (  # fmt: skip
    EXITS,
    SELECT,
    SHOW,
    UPGRADE,
    catalogue,
    color,
    columns,
    meanwhile,
    render,
    say,
    stop,
    with_options,
    write,
)
from fluxdoctor.cli.rbac import rbac
from fluxdoctor.report.plain import lines, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from fluxdoctor.cli.effective_settings import EffectiveSettings
    from fluxdoctor.cli.target import Needs
    from fluxdoctor.model.finding import Report
    from fluxdoctor.model.resource import Ref
    from fluxdoctor.model.snapshot import Snapshot, Target
    from fluxdoctor.report.context import Context
    from fluxdoctor.rule import Catalogue


class _Group(click.Group):
    """A group that suggests the command that was meant."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0] if args else ""
        if name and self.get_command(ctx, name) is None and not name.startswith("-"):
            close = difflib.get_close_matches(name, self.list_commands(ctx), 1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise click.UsageError(f"No such command {name!r}.{hint} Commands: {', '.join(self.list_commands(ctx))}.")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Group, epilog=EXITS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="fluxdoctor")
def cli() -> None:
    """Name the root cause of a failing Flux fleet, with proof and the fix.

    \b
    Try it:
      fluxdoctor demo                           the embedded broken cluster
      fluxdoctor diagnose                       the cluster of the current context
      fluxdoctor diagnose hr/web -n shop        one object: the chain to its cause
      fluxdoctor check                          a git working tree, before it is merged
      fluxdoctor snapshot -o incident.tgz       keep what diagnose sees, redacted
      fluxdoctor diagnose --from incident.tgz   replay it, offline
      fluxdoctor explain helm/chart-version-missing
      fluxdoctor rules                          the catalogue
    """


_FROM = click.option("--from", "source", type=click.Path(path_type=Path), metavar="DIR|TGZ",
                     help="Replay this snapshot, instead of reading a cluster.")  # fmt: skip


@cli.command(epilog=EXITS, short_help="A cluster or a snapshot: its root causes.")
@click.argument("named", metavar="[KIND/NAME]", required=False)
@_FROM
@with_options(target.CLUSTER)
@with_options(UPGRADE)
@publishing.OPTION
@with_options(SELECT + effective_settings.OPTIONS + SHOW)
@click.pass_context
def diagnose(ctx: click.Context, /, named: str | None, source: Path | None, **options: Any) -> None:
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
      fluxdoctor diagnose --publish openreports --publish textfile=/var/lib/node-exporter/fluxdoctor.prom
    """
    asked = _target(options.pop("target_flux"), options.pop("target_kubernetes"))
    publish = options.pop("publish")
    publishing.check(publish, named=named, source=source, namespaces=options["namespaces"])
    decided = effective_settings.read(ctx, Path(), options)
    if named and decided.write:
        raise click.UsageError("--write-baseline is for all that is found: not with KIND/NAME")
    show = {name: options.pop(name) for name in ("format_", "outputs", "verbose", "width")}
    started = time.monotonic()
    rules = meanwhile(catalogue)  # while the API server answers
    if decided.names_rules:
        decided.check_rules(rules())
    needs = lambda: _needs(rules(), decided.only, decided.ignore)  # noqa: E731 - asked for later
    snapshot = _snapshot(ctx, source, needs, options, named)
    if asked:
        snapshot = replace(snapshot, target=asked)
    if named:
        show["target"] = find(named, snapshot, options["namespaces"])
    if publish:
        show["then"] = lambda report: publishing.publish(report, publish, options)
    show["whole"] = not options["namespaces"]
    _report(snapshot, started, decided, rules(), **show)


def _snapshot(
    ctx: click.Context, source: Path | None, needs: Needs, options: dict[str, Any], named: str | None = None
) -> Snapshot:
    """Replay or read; a namespace says, for a snapshot, only where the named object is."""
    if source is None:
        return _live(needs, {**options, "focus": focus(named, options["namespaces"]) if named else None})
    other = {name: value for name, value in options.items() if not (named and name == "namespaces")}
    if given := target.is_given(other, ctx):
        raise click.UsageError(f"--from replays a snapshot; {', '.join(given)} would be for a cluster")
    return _replayed(source)


@cli.command(short_help="Draw who needs whom, root causes marked.")
@_FROM
@with_options(target.CLUSTER)
@with_options(graph_command.OPTIONS)
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
    from fluxdoctor.app.diagnose import diagnose as run
    from fluxdoctor.report.graph import LARGE, draw

    installed = catalogue()
    snapshot = _snapshot(ctx, source, lambda: _needs(installed), options)
    picture = draw(snapshot, run(snapshot, installed), large=sys.maxsize if all_ else LARGE)
    colored = color() and output is None
    try:
        text = graph_command.render(picture, format_, width=width or columns(), color=colored)
        graph_command.write(text, format_, output, color=colored)
    except OSError as error:
        stop(f"{output}: {error.strerror}")


@cli.command(epilog=EXITS, short_help="A repository, before it is deployed; no cluster needed.")
@with_options(checking.OPTIONS)
@with_options(UPGRADE)
@with_options(SELECT + effective_settings.OPTIONS + SHOW)
@click.pass_context
def check(ctx: click.Context, /, path: Path, **options: Any) -> None:
    """Check a repository before it is deployed: each of its clusters, as Flux would build it. No cluster is needed.

    \b
    Examples:
      fluxdoctor check
      fluxdoctor check ../fleet --cluster clusters/production
      fluxdoctor check --changed-since origin/main --fail-on warning
      fluxdoctor check --target-flux 2.9 --target-kubernetes 1.36
    """
    from fluxdoctor.report.context import NONE, Context

    asked = _target(options.pop("target_flux"), options.pop("target_kubernetes"))
    decided = effective_settings.read(ctx, path, options)
    installed = catalogue()
    decided.check_rules(installed)
    seen: list[Snapshot] = []
    try:
        report = checking.report(path, installed, decided, target=asked, seen=seen, **checking.arguments(options))
    except checking.CheckError as error:
        stop(str(error))
    # A drawing is of one cluster.
    _show(report, Context(seen[0]) if len(seen) == 1 else NONE, fail_on=decided.fail_on, **options)


def _target(flux: str, kubernetes: str) -> Target | None:
    from fluxdoctor.model.snapshot import Target

    try:
        return Target.parse(flux, kubernetes)
    except ValueError as error:
        raise click.UsageError(f"--target-flux, --target-kubernetes: {error}") from None


def _replayed(source: Path) -> Snapshot:
    from fluxdoctor.collect.store.archive import SnapshotError
    from fluxdoctor.collect.store.snapshot_folder import load

    try:
        return load(source)
    except SnapshotError as error:
        stop(str(error))


def _live(needs: Needs, options: dict[str, Any]) -> Snapshot:
    from fluxdoctor.collect.kube.login import ClusterError

    try:
        return target.read(needs, **options)
    except ClusterError as error:
        stop(str(error))


def _needs(installed: Catalogue, only: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> frozenset[type]:
    """Return the kinds of facts that the chosen rules read: the others are not fetched."""
    from fluxdoctor.engine import select

    return frozenset(need.fact for rule in select(installed.rules, only, ignore) for need in rule.needs)


@cli.command(short_help="Keep what diagnose sees, redacted, to replay it.")
@click.option("--output", "-o", "output", required=True, type=click.Path(path_type=Path), metavar="DIR|TGZ",
              help="A folder that is empty or not there, or a file that ends in .tgz.")  # fmt: skip
@with_options(target.CLUSTER)
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
    from fluxdoctor.collect.store import save

    try:
        save.check(output)
        rules = meanwhile(catalogue)
        taken = _live(lambda: _needs(rules()), options)
        save.save(taken, output)
    except OSError as error:
        stop(str(error))
    click.echo(
        f"{output}: {len(taken.cluster)} objects of {taken.name}, taken {taken.taken:%Y-%m-%d %H:%M:%SZ}", err=True
    )
    for gap in taken.gaps:
        click.echo(lines(f"not seen: {plain(str(gap.scope))}: {plain(gap.why)}"), nl=False, err=True)


@cli.command(epilog=EXITS, short_help="The embedded broken cluster.")
@with_options(SHOW)
def demo(fail_on: str, **show: Any) -> None:
    """Diagnose the embedded broken cluster: an incident recorded from real Flux controllers."""
    from importlib import resources

    from fluxdoctor.collect.store.snapshot_folder import load

    started = time.monotonic()
    with resources.as_file(resources.files("fluxdoctor").joinpath("demo")) as folder:
        snapshot = load(folder)
    _report(snapshot, started, effective_settings.of_demo(fail_on), catalogue(), **show)


def _report(  # noqa: PLR0913 - what to show, of what, chosen how
    snapshot: Snapshot, started: float, decided: EffectiveSettings, installed: Catalogue,
    *, outputs: tuple[tuple[str, Path], ...], target: Ref | None = None, whole: bool = True,
    then: Callable[[Report], None] | None = None, **show: Any,
) -> NoReturn:  # fmt: skip
    from fluxdoctor.app.diagnose import diagnose as run
    from fluxdoctor.app.diagnose import timed
    from fluxdoctor.report.context import Context

    loaded = time.monotonic()
    report = run(snapshot, installed, only=decided.only, ignore=decided.ignore)
    report = report if target else decided.applied(report, snapshot, installed, whole=whole)
    report = timed(report, {"load": loaded - started, "diagnose": time.monotonic() - loaded})
    if target:
        report = about(target, report, snapshot)
    _show(report, Context(snapshot, target), fail_on=decided.fail_on, outputs=outputs, then=then, **show)


def _show(
    report: Report, context: Context, *, fail_on: str, outputs: tuple[tuple[str, Path], ...],
    then: Callable[[Report], None] | None = None, **show: Any,
) -> NoReturn:  # fmt: skip
    wrong = write(report, context, outputs, verbose=show["verbose"], width=show["width"])
    rendered = render(report, context, **show)
    if show["format_"] == "text":
        say(rendered, color=color())
    else:  # UTF-8 whatever the terminal's encoding is: a machine reads it
        click.echo(rendered.encode(), nl=False)
    if then:
        then(report)
    if wrong:  # last: what was found is never lost to a file that cannot be written
        stop("\n".join(wrong))
    _end(report, fail_on)


def _end(report: Report, fail_on: str) -> NoReturn:
    from fluxdoctor.app.diagnose import exit_code
    from fluxdoctor.model.finding import Severity

    sys.exit(exit_code(report, None if fail_on == "never" else Severity(fail_on)))


cli.add_command(completion)
cli.add_command(config)
cli.add_command(explain)
cli.add_command(new_rule)
cli.add_command(mcp)
cli.add_command(rbac)
cli.add_command(rules)


def main() -> None:
    """Run the command line; a pipe that is closed early is no error."""
    import gc
    import signal

    # Ended by a pipeline's time limit: what a run keeps in temporary folders is taken away on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if sys.stdout is None:  # closed by who started us: what is asked for may go to files
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - to the end of the process
    gc.disable()  # a run makes facts that stay to its end: looking through them for garbage is a third of its time
    try:
        code = _run()
    except BrokenPipeError:
        ending.silence()
        sys.exit(141)
    except OSError as error:
        # The report could not be written (a full disk, a closed stdout): its exit code would say what nobody can read.
        ending.silence()
        click.echo(f"fluxdoctor: {error.strerror or error}", err=True)
        sys.exit(2)
    ending.leave(code)


def _run() -> int | str | None:
    """Run the command, and write all that it says. Raises OSError where that cannot be written."""
    code: int | str | None = 0
    try:
        cli(prog_name="fluxdoctor")
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    main()
