"""Where diagnose puts its report beside the output: report objects in the cluster, metrics for Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fluxdoctor.cli.output import stop
from fluxdoctor.report.plain import plain

if TYPE_CHECKING:
    from fluxdoctor.model.finding import Report

_SECONDS = 30.0
_KINDS = "openreports, pushgateway=URL or textfile=FILE"

OPTION = click.option(
    "--publish", multiple=True, metavar="WHERE",
    help=f"Also put the report of the whole cluster somewhere: {_KINDS}. openreports writes Report objects into the cluster.",
)  # fmt: skip


def check(publish: tuple[str, ...], *, named: str | None, source: Path | None, namespaces: tuple[str, ...]) -> None:
    """Stop before anything is read where the report has no such place to go. Raises UsageError."""
    from fluxdoctor.collect.net.metrics import MetricsError, check_gateway

    for where in publish:
        kind, _, place = where.partition("=")
        if (kind, bool(place)) not in (("openreports", False), ("pushgateway", True), ("textfile", True)):
            raise click.UsageError(f"--publish {plain(kind)!r}: say {_KINDS}")
        if named or source or namespaces:
            raise click.UsageError("--publish is for a whole live cluster: not with KIND/NAME, --from or --namespace")
        if kind == "pushgateway":
            try:
                check_gateway(place)
            except MetricsError as error:
                raise click.UsageError(f"--publish pushgateway: {error}") from None


def publish(report: Report, places: tuple[str, ...], login: dict[str, Any]) -> None:
    """Put the report where it was asked for, and say so on stderr; what cannot be done ends with exit code 2."""
    from fluxdoctor.collect.kube.login import ClusterError
    from fluxdoctor.collect.kube.publish import PublishError
    from fluxdoctor.collect.net import metrics
    from fluxdoctor.collect.net.deadline import Deadline
    from fluxdoctor.report import prometheus

    for where in places:
        kind, _, place = where.partition("=")
        deadline = Deadline(_SECONDS)
        try:
            if kind == "openreports":
                click.echo(_openreports(report, login, deadline), err=True)
            elif kind == "textfile":
                metrics.to_file(prometheus.render(report), Path(place))
            else:
                metrics.push(prometheus.render(report), place, deadline)
        except (metrics.MetricsError, PublishError, ClusterError) as error:
            stop(f"--publish {kind}: {error}")


def _openreports(report: Report, options: dict[str, Any], deadline: Any) -> str:
    from fluxdoctor.collect.kube import publish as kube
    from fluxdoctor.collect.kube.login import ClusterLogin
    from fluxdoctor.report import openreports

    login = ClusterLogin(options["kubeconfig"], options["context"], options["as_user"], tuple(options["as_groups"]))
    # Unknown is not absent: where something could not be seen, what an earlier run said of it stays.
    seen = not any(skipped.asked and not skipped.rule for skipped in report.skipped)
    written, gone = kube.publish(
        lambda homeless: openreports.objects(report, homeless), login, deadline, prune=seen
    )  # fmt: skip
    kept = "" if seen else "; those of earlier runs stay, for this one could not see everything"
    return f"openreports: {written} written, {gone} deleted{kept}"
