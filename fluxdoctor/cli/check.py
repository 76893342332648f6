"""The command that diagnoses a repository before it is deployed."""

from __future__ import annotations

import time
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fluxdoctor.cli.effective_settings import EffectiveSettings
    from fluxdoctor.collect.probe_context import ProbeContext
    from fluxdoctor.model.finding import Report
    from fluxdoctor.model.resource import Ref
    from fluxdoctor.model.snapshot import Snapshot, Target
    from fluxdoctor.rule import Catalogue

#: How long all repositories together may take to be asked.
_SECONDS = 60.0

OPTIONS = (
    click.argument("path", type=click.Path(path_type=Path), default=Path()),
    click.option("--cluster", "clusters", metavar="PATH", multiple=True,
                 help="Only the cluster that begins at this path, as the report names it. All by default."),
    click.option("--changed-since", "since", metavar="REF", default="",
                 help="Only what is worse than at this revision: a branch, a tag or a commit."),
    click.option("--revision", metavar="REF", default="",
                 help="Check this revision, instead of the working tree."),
    click.option("--against", "context", metavar="CONTEXT", default="",
                 help="Also ask the live cluster of this kubeconfig context for what the repository cannot tell."),
    click.option("--online", is_flag=True,
                 help="Also ask the Helm repositories and registries, without a login, which chart versions they offer."),
    click.option("--allow-local", is_flag=True,
                 help="With --online, also contact loopback, link-local and metadata addresses."),
    click.option("--no-cache", is_flag=True, help="Keep no build in the cache folder, and use none of it."),
)  # fmt: skip

#: The ends of the names of what a repository declares anything in.
_READ = (".yaml", ".yml", ".json")


class CheckError(Exception):
    """Why a repository cannot be checked; the text says what to do."""


def report(  # noqa: PLR0913 - what to check, and how
    path: Path, catalogue: Catalogue, decided: EffectiveSettings,
    *, clusters: Sequence[str], since: str, revision: str, context: str, no_cache: bool, seen: list[Snapshot],
    online: bool = False, allow_local: bool = False, target: Target | None = None,
) -> Report:  # fmt: skip
    """Check a repository, or what a change made worse. Raises CheckError."""
    from fluxdoctor.app import check
    from fluxdoctor.app.diagnose import timed
    from fluxdoctor.cli.target import kept, progress
    from fluxdoctor.repository.files import repository

    started = time.monotonic()
    held = kept(unwanted=no_cache)
    folder = held / "builds" if held else None
    try:
        now = repository.of_revision(path, revision) if revision else repository.of_folder(path)
        if not any(name.endswith(_READ) for name in now.files):
            raise CheckError(
                f"{path}: no YAML file in it: nothing to check; give the root of a repository, or a folder in one"
            )
        before = repository.of_revision(path, since) if since else None
        live = partial(_live, context) if context else None
        policy = decided.policy(now.files)
        with nullcontext(_quiet) if live else progress() as tell:  # reading a cluster shows its own
            tell("building the clusters")
            found = check.check(
                now, catalogue, only=decided.only, ignore=decided.ignore, clusters=clusters, cache=folder, live=live,
                target=target, policy=policy, before=before, earlier=decided.policy(before.files) if before else None,
                seen=seen.append, reach=_reach(held, allow_local=allow_local) if online else None,
            )  # fmt: skip
    except (repository.RepositoryError, check.UnknownClusterError) as error:
        raise CheckError(str(error)) from None
    found = decided.written(found, policy)
    return timed(found, {"check": time.monotonic() - started})


def _quiet(_: str) -> None:
    """Show nothing."""


def _live(context: str, besides: Sequence[Ref]) -> Snapshot:
    """Read the cluster of a context, these objects too, and ask none of its sources. Raises CheckError."""
    from fluxdoctor.cli import target
    from fluxdoctor.collect.kube.login import ClusterError

    options = {"kubeconfig": "", "context": context, "as_user": "", "as_groups": (), "namespaces": (), "timeout": 60.0,
               "probing": "none", "no_probe": True, "allow_local": False, "no_cache": True,
               "besides": tuple(besides)}  # fmt: skip
    try:
        return target.read(frozenset, **options)
    except ClusterError as error:
        raise CheckError(str(error)) from None


def _reach(cache: Path | None, *, allow_local: bool) -> ProbeContext:
    """The means to ask, without any login, for at most a minute."""
    from fluxdoctor.collect.net.deadline import Deadline
    from fluxdoctor.collect.probe_context import ProbeContext

    return ProbeContext(
        Deadline(_SECONDS), datetime.now(UTC).replace(microsecond=0), cache=cache, allow_local=allow_local
    )


def arguments(options: dict[str, Any]) -> dict[str, Any]:
    """Take this command's own options out of all."""
    return {
        name: options.pop(name)
        for name in ("clusters", "since", "revision", "context", "no_cache", "online", "allow_local")
    }
