"""`fluxdoctor check`: a repository before it is deployed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxdoctor.cli import effective_settings, inputs
from fluxdoctor.cli.catalogue import catalogue
from fluxdoctor.cli.effective_settings import EffectiveSettings, SettingsArguments, settings_options
from fluxdoctor.cli.options import (
    EXITS,
    ClusterArguments,
    UpgradeArguments,
    option_group,
    report_options,
    upgrade_options,
)
from fluxdoctor.cli.output import ReportArguments, end, show_report, stop
from fluxdoctor.cli.progress import progress

if TYPE_CHECKING:
    from fluxdoctor.collect.probe_context import ProbeContext
    from fluxdoctor.model.finding import Report
    from fluxdoctor.model.resource import Ref
    from fluxdoctor.model.snapshot import Snapshot, Target
    from fluxdoctor.rule import Catalogue

#: Seconds for all chart repositories together, and for reading the cluster of --against.
_SECONDS = 60.0

#: The file name endings of manifests.
_MANIFESTS = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class CheckArguments:
    """Which part of the repository to check, and what to ask besides it."""

    clusters: tuple[str, ...]
    """Paths: only the clusters that begin there; all clusters if empty."""
    since: str
    """Report only what is worse than at this revision; everything if empty."""
    revision: str
    """The revision to check; the working tree if empty."""
    context: str
    """The kubeconfig context of the live cluster to compare with; none if empty."""
    online: bool
    """Whether chart repositories are asked which versions they offer."""
    allow_local: bool
    """Whether repositories at loopback, link-local and metadata addresses are asked too."""
    no_cache: bool
    """Whether the cache folder is left alone."""


check_options = option_group("arguments", CheckArguments, (
    click.option("--cluster", "clusters", metavar="PATH", multiple=True,
                 help="Check only the cluster that begins at this path, as named in the report. Can be repeated."),
    click.option("--changed-since", "since", metavar="REF", default="",
                 help="Report only what is worse than at this branch, tag or commit."),
    click.option("--revision", metavar="REF", default="",
                 help="Check this branch, tag or commit instead of the working tree."),
    click.option("--against", "context", metavar="CONTEXT", default="",
                 help="Also read the cluster of this kubeconfig context, for what the repository does not contain."),
    click.option("--online", is_flag=True,
                 help="Also query Helm repositories and registries for chart versions, without credentials."),
    click.option("--allow-local", is_flag=True,
                 help="With --online, also contact loopback, link-local and metadata addresses."),
    click.option("--no-cache", is_flag=True, help="Do not use the cache folder."),
))  # fmt: skip


@click.command(epilog=EXITS, short_help="Check a repository before it is deployed.")
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@check_options
@upgrade_options
@settings_options
@report_options
@click.pass_context
def check(  # noqa: PLR0913, PLR0917 - one record for each group of options
    ctx: click.Context, /, path: Path, arguments: CheckArguments, upgrade: UpgradeArguments,
    settings: SettingsArguments, show: ReportArguments,
) -> None:  # fmt: skip
    """Check a repository before it is deployed.

    Each cluster in the repository is built as Flux would build it. No access to a cluster is needed.

    \b
    Examples:
      fluxdoctor check
      fluxdoctor check ../fleet --cluster clusters/production
      fluxdoctor check --changed-since origin/main --fail-on warning
      fluxdoctor check --target-flux 2.9 --target-kubernetes 1.36
    """
    from fluxdoctor.report.context import NONE, Context

    target = upgrade.target()
    effective = effective_settings.read(ctx, path, settings, show.fail_on)
    rules = catalogue()
    effective.check_rules(rules)
    snapshots: list[Snapshot] = []
    report = _report(path, rules, effective, arguments, target, snapshots)
    # A drawing shows one cluster.
    context = Context(snapshots[0]) if len(snapshots) == 1 else NONE
    end(report, effective.fail_on, show_report(report, context, show))


def _report(  # noqa: PLR0913, PLR0917 - what to check, and how
    path: Path, rules: Catalogue, effective: EffectiveSettings, arguments: CheckArguments, target: Target | None,
    snapshots: list[Snapshot],
) -> Report:  # fmt: skip
    """Check the repository, and add the facts of its clusters to ``snapshots``. Stops if it cannot be checked."""
    from fluxdoctor.app import check as app
    from fluxdoctor.app.diagnose import timed
    from fluxdoctor.repository.files import repository

    started = time.monotonic()
    cache = inputs.cache_folder(disabled=arguments.no_cache)
    try:
        files = repository.of_revision(path, arguments.revision) if arguments.revision else repository.of_folder(path)
        if not any(name.endswith(_MANIFESTS) for name in files.files):
            stop(f"{path} contains no YAML files; specify the root of a repository, or a folder in one")
        before = repository.of_revision(path, arguments.since) if arguments.since else None
        policy = effective.policy(files.files)
        options = app.CheckOptions(
            rules=effective.rules, clusters=arguments.clusters, cache=cache / "builds" if cache else None,
            live=partial(_live, arguments.context) if arguments.context else None, target=target,
            policy=policy, before=before, policy_before=effective.policy(before.files) if before else None,
            on_snapshot=snapshots.append,
            probes=_probes(cache, allow_local=arguments.allow_local) if arguments.online else None,
        )  # fmt: skip
        with nullcontext(_silent) if options.live else progress() as tell:  # reading a cluster shows its own progress
            tell("building the clusters")
            report = app.check(files, rules, options)
    except (repository.RepositoryError, app.UnknownClusterError) as error:
        stop(str(error))
    report = effective.with_baseline(report, policy)
    return timed(report, {"check": time.monotonic() - started})


def _silent(_: str) -> None:
    pass


def _live(context: str, besides: Sequence[Ref]) -> Snapshot:
    """Read the cluster of a context, these objects too, and ask none of its sources. Stops if it cannot be read."""
    arguments = ClusterArguments(
        kubeconfig="", context=context, as_user="", as_groups=(), namespaces=(), timeout=_SECONDS, probing="none",
        no_probe=True, allow_local=False, no_cache=True,
    )  # fmt: skip
    return inputs.read_cluster(arguments, frozenset, besides=tuple(besides))


def _probes(cache: Path | None, *, allow_local: bool) -> ProbeContext:
    """Return the means to ask chart repositories, without any login, for at most a minute."""
    from fluxdoctor.collect.net.deadline import Deadline
    from fluxdoctor.collect.probe_context import ProbeContext

    now = datetime.now(UTC).replace(microsecond=0)
    return ProbeContext(Deadline(_SECONDS), now, cache=cache, allow_local=allow_local)
