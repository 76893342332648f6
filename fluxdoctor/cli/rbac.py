"""The command that prints the rights that a diagnosis needs."""

from __future__ import annotations

import click


@click.command()
@click.option("--namespace", "-n", metavar="NAME", default="", help="A Role for one namespace, not a ClusterRole.")
@click.option("--service-account", "account", metavar="NAMESPACE/NAME", default="", help="Bind it to this account too.")
@click.option(
    "--publish", type=click.Choice(["openreports"]), default=None, help="The role that --publish needs, beside it."
)
def rbac(namespace: str, account: str, publish: str | None) -> None:
    """Print the least role that a full diagnosis needs: read-only.

    \b
    Examples:
      fluxdoctor rbac | kubectl apply -f -
      fluxdoctor rbac --service-account tools/fluxdoctor | kubectl apply -f -
    """
    from fluxdoctor.collect.kube import rights

    if publish and namespace:
        raise click.UsageError("--publish is for a whole cluster: not with --namespace")
    click.echo(rights.publisher(account) if publish else rights.manifest(namespace, account), nl=False)
