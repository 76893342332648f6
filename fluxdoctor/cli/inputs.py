"""What commands read: a cluster or a snapshot of one, with progress; and the cache folder."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxdoctor.cli.options import ClusterArguments
from fluxdoctor.cli.output import stop
from fluxdoctor.cli.progress import interruptible, progress

if TYPE_CHECKING:
    from fluxdoctor.collect.kube.login import ClusterLogin
    from fluxdoctor.model.resource import Ref
    from fluxdoctor.model.snapshot import Snapshot

#: Returns the kinds of facts that rules read. Called after the cluster was read, because rules are loaded meanwhile.
Facts = Callable[[], Collection[type]]


def read_cluster(
    arguments: ClusterArguments, facts: Facts, *, focus: Ref | None = None, besides: tuple[Ref, ...] = ()
) -> Snapshot:
    """Read the cluster, these objects ``besides``, or stop if it cannot be asked at all."""
    from fluxdoctor.app import live
    from fluxdoctor.collect.kube.login import ClusterError
    from fluxdoctor.collect.live import Probing
    from fluxdoctor.collect.net.deadline import Deadline

    deadline, cache = Deadline(arguments.timeout), cache_folder(disabled=arguments.no_cache)
    try:
        with interruptible(deadline), progress() as show:
            return live.read_cluster(
                live.ClusterOptions(
                    deadline, login(arguments), arguments.namespaces, focus, besides,
                    probing=Probing.NONE if arguments.no_probe else Probing(arguments.probing),
                    allow_local=arguments.allow_local, cache=cache, facts=facts, progress=show,
                )
            )  # fmt: skip
    except ClusterError as error:
        stop(str(error))


def login(arguments: ClusterArguments) -> ClusterLogin:
    """Return how to log in to the cluster."""
    from fluxdoctor.collect.kube.login import ClusterLogin

    return ClusterLogin(arguments.kubeconfig, arguments.context, arguments.as_user, arguments.as_groups)


def read(  # noqa: PLR0913 - where from, and how much
    ctx: click.Context, source: Path | None, arguments: ClusterArguments, facts: Facts,
    *, focus: Ref | None = None, has_object: bool = False,
) -> Snapshot:  # fmt: skip
    """Replay the snapshot ``source``, or read the cluster without one.

    With a snapshot, options of the cluster are an error; but with an object, ``--namespace`` says where that object is.
    """
    if source is None:
        return read_cluster(arguments, facts, focus=focus)
    if flags := _flags(ctx, {"namespaces"} if has_object else set()):
        raise click.UsageError(
            f"{', '.join(flags)} cannot be used with --from: a snapshot is replayed, and no cluster is read"
        )
    from fluxdoctor.collect.store.archive import SnapshotError
    from fluxdoctor.collect.store.snapshot_folder import load

    try:
        return load(source)
    except SnapshotError as error:
        stop(str(error))


def _flags(ctx: click.Context, allowed: Collection[str]) -> list[str]:
    """Return the cluster options that the user wrote."""
    names = [field.name for field in fields(ClusterArguments) if field.name not in allowed]
    flags = {p.name: p.opts[0] for p in ctx.command.params}
    return sorted(
        flags[name] for name in names if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    )


def cache_folder(*, disabled: bool) -> Path | None:
    """Return the cache folder, or None if it is disabled or cannot be written, which is shown once."""
    from fluxdoctor.collect import cache_folder as folders

    folder = None if disabled else folders.folder()
    if folder and (why := folders.unwritable(folder)):
        click.echo(f"fluxdoctor: running without a cache: {folder}: {why} (--no-cache hides this message)", err=True)
        return None
    return folder
