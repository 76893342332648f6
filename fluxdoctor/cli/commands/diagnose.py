"""`fluxdoctor diagnose`: the root causes of a cluster, or of a snapshot of one."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import click

from fluxdoctor.cli import effective_settings, inputs, publish
from fluxdoctor.cli.catalogue import catalogue, meanwhile
from fluxdoctor.cli.effective_settings import SettingsArguments, settings_options
from fluxdoctor.cli.object_argument import about, find, focus
from fluxdoctor.cli.options import (
    EXITS,
    FROM,
    ClusterArguments,
    UpgradeArguments,
    cluster_options,
    report_options,
    upgrade_options,
)
from fluxdoctor.cli.output import ReportArguments, end, show_report


@click.command(epilog=EXITS, short_help="Diagnose a cluster or a snapshot.")
@click.argument("object_", metavar="[KIND/NAME]", required=False)
@FROM
@cluster_options
@upgrade_options
@publish.OPTION
@settings_options
@report_options
@click.pass_context
def diagnose(  # noqa: PLR0913, PLR0917 - one record for each group of options
    ctx: click.Context, /, object_: str | None, source: Path | None, cluster: ClusterArguments,
    upgrade: UpgradeArguments, destinations: tuple[str, ...], settings: SettingsArguments, show: ReportArguments,
) -> None:  # fmt: skip
    """Diagnose a cluster or a snapshot, and report the root causes in the order to fix them.

    With KIND/NAME, show the chain from that object to each root cause, with the proof of each link.

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
    target = upgrade.target()
    is_whole = not (object_ or source or cluster.namespaces)
    publish.check(destinations, is_whole=is_whole)
    effective = effective_settings.read(ctx, Path(), settings, show.fail_on)
    if object_ and effective.write:
        raise click.UsageError("--write-baseline cannot be used with KIND/NAME: a baseline contains all findings")
    started = time.monotonic()
    rules = meanwhile(catalogue)  # while the API server answers
    if effective.names_rules:
        effective.check_rules(rules())

    def facts() -> frozenset[type]:
        from fluxdoctor.app.live import facts_of

        return facts_of(rules(), effective.rules)

    snapshot = inputs.read(
        ctx, source, cluster, facts,
        focus=focus(object_, cluster.namespaces) if object_ else None, has_object=bool(object_),
    )  # fmt: skip
    snapshot = replace(snapshot, target=target) if target else snapshot
    ref = find(object_, snapshot, cluster.namespaces) if object_ else None
    from fluxdoctor.app.diagnose import diagnose as run
    from fluxdoctor.app.diagnose import timed
    from fluxdoctor.report.context import Context

    loaded = time.monotonic()
    report = run(snapshot, rules(), effective.rules)
    report = report if ref else effective.applied(report, snapshot, rules(), whole=not cluster.namespaces)
    report = timed(report, {"load": loaded - started, "diagnose": time.monotonic() - loaded})
    report = about(ref, report, snapshot) if ref else report
    failures = show_report(report, Context(snapshot, ref), show)
    publish.publish(report, destinations, cluster)
    end(report, effective.fail_on, failures)
