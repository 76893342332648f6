"""The options that say which cluster to read and how far to go, and the reading itself: with progress, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from fluxdoctor.collect.net.deadline import Deadline
    from fluxdoctor.model.snapshot import Snapshot


#: The kinds of facts that rules read: asked for when the cluster was read, for the rules are loaded meanwhile.
Needs = Callable[[], Collection[type]]


class _Seconds(click.ParamType[float]):
    """A duration as people write it: 90, 90s, 2m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from fluxdoctor.model.times import duration

        text = str(value)
        try:
            seconds = float(text)
        except ValueError:
            seconds = duration(text, timedelta()).total_seconds()
        if not 0 < seconds < 1e6:  # noqa: PLR2004 - days are no deadline
            self.fail(f"{text!r} is not a time such as 90s or 2m", param, ctx)
        return seconds


#: The type of an option that is a duration.
SECONDS = _Seconds()

CLUSTER = (
    click.option("--kubeconfig", metavar="FILE", default="", help="The kubeconfig; $KUBECONFIG or ~/.kube/config else."),
    click.option("--context", metavar="NAME", default="", help="The kubeconfig's context; the current one by default."),
    click.option("--as", "as_user", metavar="USER", default="", help="Impersonate this user."),
    click.option("--as-group", "as_groups", metavar="GROUP", multiple=True, help="Impersonate this group too."),
    click.option("--namespace", "-n", "namespaces", metavar="NAME", multiple=True,
                 help="Only these namespaces, and what their objects refer to. All by default."),
    click.option("--timeout", type=SECONDS, default="60s", show_default=True,
                 help="The whole run ends by then, with what it has."),
    click.option("--probe", "probing", type=click.Choice(["all", "failing", "none"]), default="all", show_default=True,
                 help="Which sources to ask over the network, from here."),
    click.option("--no-probe", is_flag=True, help="Ask no source: the same as --probe none."),
    click.option("--allow-local", is_flag=True,
                 help="Also contact sources at loopback, link-local and metadata addresses."),
    click.option("--no-cache", is_flag=True, help="Keep nothing in the cache folder, and use nothing of it."),
)  # fmt: skip


def read(needs: Needs, **options: Any) -> Snapshot:
    """Read the cluster that the options name. Raises ClusterError where it cannot be asked at all."""
    from fluxdoctor.collect import live
    from fluxdoctor.collect.kube.cluster import Scope
    from fluxdoctor.collect.kube.login import ClusterLogin
    from fluxdoctor.collect.net.deadline import Deadline

    login = ClusterLogin(options["kubeconfig"], options["context"], options["as_user"], tuple(options["as_groups"]))
    target = live.ClusterTarget(
        login,
        Scope(tuple(options["namespaces"]), options.get("focus"), tuple(options.get("besides", ()))),
        live.Probing.NONE if options["no_probe"] else live.Probing(options["probing"]),
        allow_local=options["allow_local"],
        cache=kept(unwanted=options["no_cache"]),
    )
    deadline = Deadline(options["timeout"])
    with interruptible(deadline), progress() as tell:
        return live.collect(target, deadline, needs, tell)


def kept(*, unwanted: bool) -> Path | None:
    """Return the cache folder, or None: where none is wanted, and, told once, where nothing can be kept in it."""
    from fluxdoctor.collect import cache_folder

    folder = None if unwanted else cache_folder.folder()
    if folder and (why := cache_folder.unwritable(folder)):
        click.echo(
            f"fluxdoctor: nothing is kept for the next run: {folder}: {why} (--no-cache asks for none)", err=True
        )
        return None
    return folder


@contextmanager
def interruptible(deadline: Deadline) -> Iterator[None]:
    """The first Ctrl-C ends the collecting, and the report tells what is known; a second one ends the program."""

    def stop(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        click.echo("\nfluxdoctor: called off; this is what is known", err=True)
        deadline.cancel()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Show what is being done, on a terminal only: a log of a pipeline stays clean."""
    if not sys.stderr.isatty() or os.environ.get("CI") or os.environ.get("TERM") == "dumb":
        yield lambda _: None
        return
    from rich.console import Console
    from rich.text import Text

    from fluxdoctor.report.plain import plain

    console = Console(stderr=True)
    with console.status("connecting") as status:
        yield lambda text: status.update(Text(f"{plain(text)} ..."))  # an address may look like rich's markup


def is_given(options: dict[str, Any], context: click.Context) -> list[str]:
    """Return the cluster options that the user wrote, which mean nothing for a snapshot."""
    written = (name for name in options if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE)
    flags = {p.name: p.opts[0] for p in context.command.params}
    return sorted(flags.get(name, name) for name in written)
