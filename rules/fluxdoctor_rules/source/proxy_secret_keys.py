"""A source whose proxy Secret has no address."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem
from fluxdoctor_rules.source._secrets import has_value, key_list, secret_of

_KINDS = ("Bucket", "GitRepository", "OCIRepository")


def check(cluster: Cluster) -> Iterator[Problem]:
    """Check that the Secret of spec.proxySecretRef has the key address, the only one that is required."""
    for resource in cluster.active(*_KINDS):
        lookup = secret_of(cluster, resource, "spec.proxySecretRef")
        secret = lookup.resource if lookup else None
        if secret is None or has_value(secret, "address"):
            continue
        facts = {"secret": secret.ref.named, "lack": f"it has no address; {key_list(secret)}"}
        yield Problem(resource.ref, facts, field="spec.proxySecretRef", shared=str(secret.ref))
