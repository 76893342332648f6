"""`fluxdoctor demo`: the diagnosis of the embedded broken cluster."""

from __future__ import annotations

import time

import click

from fluxdoctor.cli import effective_settings
from fluxdoctor.cli.catalogue import catalogue
from fluxdoctor.cli.options import EXITS, report_options
from fluxdoctor.cli.output import ReportArguments, end, show_report


@click.command(epilog=EXITS, short_help="Diagnose the embedded broken cluster.")
@report_options
def demo(show: ReportArguments) -> None:
    """Diagnose the embedded broken cluster, an incident recorded from real Flux controllers."""
    from importlib import resources

    from fluxdoctor.app.diagnose import diagnose, timed
    from fluxdoctor.collect.store.snapshot_folder import load
    from fluxdoctor.report.context import Context

    started = time.monotonic()
    with resources.as_file(resources.files("fluxdoctor").joinpath("demo")) as folder:
        snapshot = load(folder)
    effective, rules = effective_settings.of_demo(show.fail_on), catalogue()
    loaded = time.monotonic()
    report = effective.applied(diagnose(snapshot, rules), snapshot, rules, whole=True)
    report = timed(report, {"load": loaded - started, "diagnose": time.monotonic() - loaded})
    end(report, effective.fail_on, show_report(report, Context(snapshot), show))
