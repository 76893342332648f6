"""`fluxdoctor rbac`: the access that a diagnosis needs."""

from __future__ import annotations

import click


@click.command(short_help="The least role that a full diagnosis needs.")
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

    space, slash, name = account.partition("/")
    if account and not (space and slash and name and "/" not in name):
        raise click.UsageError(f"--service-account {account!r}: write NAMESPACE/NAME, such as tools/fluxdoctor")
    if publish and namespace:
        raise click.UsageError("--publish is for a whole cluster: not with --namespace")
    click.echo(rights.publisher(account) if publish else rights.manifest(namespace, account), nl=False)
