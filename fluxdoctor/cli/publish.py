"""Destinations of a report besides the output: report objects in the cluster, metrics for Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxdoctor.cli.inputs import login
from fluxdoctor.cli.output import stop
from fluxdoctor.report.plain import plain

if TYPE_CHECKING:
    from fluxdoctor.cli.options import ClusterArguments
    from fluxdoctor.collect.net.deadline import Deadline
    from fluxdoctor.model.finding import Report

_SECONDS = 30.0
_KINDS = "openreports, pushgateway=URL or textfile=FILE"

OPTION = click.option(
    "--publish", "destinations", multiple=True, metavar="WHERE",
    help=f"Publish the report: {_KINDS}. Can be repeated. openreports creates Report objects in the cluster.",
)  # fmt: skip


def check(destinations: tuple[str, ...], *, is_whole: bool) -> None:
    """Check the destinations before anything is read; ``is_whole``: a whole live cluster. Raises UsageError."""
    from fluxdoctor.collect.net.metrics import MetricsError, check_gateway

    for destination in destinations:
        kind, _, place = destination.partition("=")
        if (kind, bool(place)) not in (("openreports", False), ("pushgateway", True), ("textfile", True)):
            raise click.UsageError(f"--publish {plain(kind)!r} is not valid; use {_KINDS}")
        if not is_whole:
            raise click.UsageError(
                "--publish requires a whole live cluster, and cannot be used with KIND/NAME, --from or --namespace"
            )
        if kind == "pushgateway":
            try:
                check_gateway(place)
            except MetricsError as error:
                raise click.UsageError(f"--publish pushgateway: {error}") from None


def publish(report: Report, destinations: tuple[str, ...], cluster: ClusterArguments) -> None:
    """Send the report to its destinations. Ends with exit code 2 at the first that fails."""
    if not destinations:
        return
    from fluxdoctor.collect.kube.login import ClusterError
    from fluxdoctor.collect.kube.publish import PublishError
    from fluxdoctor.collect.net import metrics
    from fluxdoctor.collect.net.deadline import Deadline
    from fluxdoctor.report import prometheus

    for destination in destinations:
        kind, _, place = destination.partition("=")
        deadline = Deadline(_SECONDS)
        try:
            if kind == "openreports":
                click.echo(_openreports(report, cluster, deadline), err=True)
            elif kind == "textfile":
                metrics.to_file(prometheus.render(report), Path(place))
            else:
                metrics.push(prometheus.render(report), place, deadline)
        except (metrics.MetricsError, PublishError, ClusterError) as error:
            stop(f"--publish {kind}: {error}")


def _openreports(report: Report, cluster: ClusterArguments, deadline: Deadline) -> str:
    from fluxdoctor.collect.kube import publish as kube
    from fluxdoctor.report import openreports

    # Unknown is not absent: if something could not be read, the report objects of earlier runs stay.
    is_complete = not any(skipped.asked and not skipped.rule for skipped in report.skipped)
    count, deleted = kube.publish(
        lambda homeless: openreports.objects(report, homeless), login(cluster), deadline, prune=is_complete
    )  # fmt: skip
    note = "" if is_complete else "; reports of earlier runs remain, because this run could not read everything"
    return f"openreports: {count} written, {deleted} deleted{note}"
