"""A Provider has no address or token although its type requires one; a Provider has no status."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Ref, Resource

#: Types that require an address, in the spec or in the Secret (notification-controller 1.9).
_ADDRESS = (
    "alertmanager", "discord", "forward", "generic", "generic-hmac", "googlechat", "grafana", "lark", "matrix", "msteams",
    "rocket", "slack",
)  # fmt: skip
#: Types that require a token in the Secret; github accepts the keys of a GitHub App instead.
_TOKEN = ("generic-hmac", "gitea", "github", "gitlab", "telegram")


def check(cluster: Cluster) -> Iterator[Problem]:
    """Check the type, the address and the names of the keys in the Secret."""
    for provider in cluster.active("Provider"):
        name = provider.text("spec.secretRef.name")
        secret = cluster.get(Ref("Secret", provider.namespace, name)) if name else None
        if name and secret is None:
            continue  # missing (notify/secret-missing) or not collected
        lacks = _lacks(provider, secret)
        if lacks:
            keys = ", ".join(secret.keys("keys")) if secret else ""
            content = f"only {keys}" if keys else "no keys"
            where = f"{secret.ref} has {content}" if secret else "spec.secretRef is not set"
            facts = {"type": provider.text("spec.type"), "lacks": lacks, "where": where}
            yield Problem(provider.ref, facts, (Evidence.field(where, str(provider.ref)),), field="spec.secretRef")


def _lacks(provider: Resource, secret: Resource | None) -> str:
    kind, keys = provider.text("spec.type"), secret.keys("keys") if secret else ()
    if kind in _ADDRESS and not provider.text("spec.address") and "address" not in keys:
        return "address"
    app = kind == "github" and "githubAppID" in keys
    return "token" if kind in _TOKEN and "token" not in keys and not app else ""
