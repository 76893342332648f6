"""`fluxdoctor snapshot`: keep what a diagnosis sees, to replay it."""

from __future__ import annotations

from pathlib import Path

import click

from fluxdoctor.cli import inputs
from fluxdoctor.cli.catalogue import catalogue, meanwhile
from fluxdoctor.cli.options import ClusterArguments, cluster_options
from fluxdoctor.cli.output import stop
from fluxdoctor.report.plain import lines, plain


@click.command(short_help="Save what diagnose reads, to replay it.")
@click.option("--output", "-o", "output", required=True, type=click.Path(path_type=Path), metavar="DIR|TGZ",
              help="New or empty folder, or file that ends in .tgz.")  # fmt: skip
@cluster_options
def snapshot(output: Path, cluster: ClusterArguments) -> None:
    """Save what diagnose reads from a cluster, to replay it later or elsewhere.

    The snapshot is redacted: it contains no value of a Secret. See docs/snapshot-folder.md.

    \b
    Examples:
      fluxdoctor snapshot -o incident.tgz
      fluxdoctor snapshot -o ./incident --context prod-eu -n apps
      fluxdoctor diagnose --from incident.tgz
    """
    from fluxdoctor.app.live import facts_of
    from fluxdoctor.collect.store import save

    try:
        save.check(output)
        rules = meanwhile(catalogue)
        facts = inputs.read_cluster(cluster, lambda: facts_of(rules()))
        save.save(facts, output)
    except OSError as error:
        stop(str(error))
    click.echo(
        f"{output}: {len(facts.cluster)} objects of {facts.name}, taken {facts.taken:%Y-%m-%d %H:%M:%SZ}", err=True
    )
    for gap in facts.gaps:
        click.echo(lines(f"not read: {plain(str(gap.scope))}: {plain(gap.why)}"), nl=False, err=True)
