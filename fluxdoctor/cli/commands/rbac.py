"""`fluxdoctor rbac`: the access that a diagnosis needs."""

from __future__ import annotations

import click


@click.command(short_help="Print the RBAC role for a full diagnosis.")
@click.option(
    "--namespace", "-n", metavar="NAME", default="", help="Print a Role for this namespace instead of a ClusterRole."
)
@click.option(
    "--service-account",
    "account",
    metavar="NAMESPACE/NAME",
    default="",
    help="Also print a binding to this ServiceAccount.",
)
@click.option(
    "--publish",
    type=click.Choice(["openreports"]),
    default=None,
    help="Print only the additional role that --publish requires.",
)
def rbac(namespace: str, account: str, publish: str | None) -> None:
    """Print the least-privilege role for a full diagnosis. The role is read-only.

    \b
    Examples:
      fluxdoctor rbac | kubectl apply -f -
      fluxdoctor rbac --service-account tools/fluxdoctor | kubectl apply -f -
    """
    from fluxdoctor.collect.kube import rights

    space, slash, name = account.partition("/")
    if account and not (space and slash and name and "/" not in name):
        raise click.UsageError(
            f"--service-account {account!r} is not valid; use NAMESPACE/NAME, such as tools/fluxdoctor"
        )
    if publish and namespace:
        raise click.UsageError(
            "--publish cannot be used with --namespace: the report of the whole cluster is published"
        )
    click.echo(rights.publisher(account) if publish else rights.manifest(namespace, account), nl=False)
