"""A Provider lacks the address or the token that its type needs; it has no status that would tell."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Ref, Resource

#: Types that cannot do without an address, in spec or in the Secret (notification-controller 1.9).
_ADDRESS = (
    "alertmanager", "discord", "forward", "generic", "generic-hmac", "googlechat", "grafana", "lark", "matrix", "msteams",
    "rocket", "slack",
)  # fmt: skip
#: Types that cannot do without a token in the Secret; github takes the keys of an App instead.
_TOKEN = ("generic-hmac", "gitea", "github", "gitlab", "telegram")


def check(cluster: Cluster) -> Iterator[Problem]:
    """Read the type, the address and the names of the Secret's keys."""
    for provider in cluster.all("Provider"):
        if provider.flag("spec.suspend"):
            continue
        name = provider.text("spec.secretRef.name")
        secret = cluster.get(Ref("Secret", provider.namespace, name)) if name else None
        if name and secret is None:
            continue  # missing or not seen: another rule's, or nobody's
        lacks = _lacks(provider, secret)
        if lacks:
            held = ", ".join(secret.keys("keys")) if secret else ""
            where = f"Secret {secret.ref.named} has {held or 'no keys'}" if secret else "spec.secretRef is not set"
            facts = {"type": provider.text("spec.type"), "lacks": lacks, "where": where}
            yield Problem(provider.ref, facts, (Evidence(where, str(provider.ref)),), field="spec.secretRef")


def _lacks(provider: Resource, secret: Resource | None) -> str:
    kind, keys = provider.text("spec.type"), secret.keys("keys") if secret else ()
    if kind in _ADDRESS and not provider.text("spec.address") and "address" not in keys:
        return "address"
    app = kind == "github" and "githubAppID" in keys
    return "token" if kind in _TOKEN and "token" not in keys and not app else ""
