"""A GitRepository whose ssh key has a passphrase that its Secret does not contain."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem
from fluxdoctor_rules.source._secrets import has_value, secret_of


def check(cluster: Cluster) -> Iterator[Problem]:
    """Find encrypted keys without a password: the header of the key shows that it is encrypted."""
    for repository in cluster.active("GitRepository"):
        lookup = secret_of(cluster, repository)
        secret = lookup.resource if lookup else None
        if secret is None or not repository.text("spec.url").startswith("ssh://"):
            continue
        is_encrypted = secret.flag(("keys", "identity", "encrypted")) and not has_value(secret, "password")
        if is_encrypted:
            facts = {"secret": secret.ref.named}
            yield Problem(repository.ref, facts, field="spec.secretRef", shared=secret.ref.named)
