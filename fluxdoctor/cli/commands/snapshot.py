"""`fluxdoctor snapshot`: keep what a diagnosis sees, to replay it."""

from __future__ import annotations

from pathlib import Path

import click

from fluxdoctor.cli import inputs
from fluxdoctor.cli.catalogue import catalogue, meanwhile
from fluxdoctor.cli.options import ClusterArguments, cluster_options
from fluxdoctor.cli.output import stop
from fluxdoctor.report.plain import lines, plain


@click.command(short_help="Keep what diagnose sees, redacted, to replay it.")
@click.option("--output", "-o", "output", required=True, type=click.Path(path_type=Path), metavar="DIR|TGZ",
              help="A folder that is empty or not there, or a file that ends in .tgz.")  # fmt: skip
@cluster_options
def snapshot(output: Path, cluster: ClusterArguments) -> None:
    """Keep what diagnose sees of a cluster, redacted, to replay it later or elsewhere.

    \b
    No Secret value is in it: what is kept instead is said in docs/snapshot-folder.md.

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
        click.echo(lines(f"not seen: {plain(str(gap.scope))}: {plain(gap.why)}"), nl=False, err=True)
