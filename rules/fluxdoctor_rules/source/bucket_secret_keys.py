"""A Bucket whose Secret does not have the keys that its provider requires."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Resource
from fluxdoctor_rules.source._secrets import has_any_value, has_value, key_list, secret_of


def check(cluster: Cluster) -> Iterator[Problem]:
    """Compare the keys with the provider; source-controller rejects the Secret before it contacts the host."""
    for bucket in cluster.active("Bucket"):
        lookup = secret_of(cluster, bucket)
        secret = lookup.resource if lookup else None
        if secret is None:
            continue
        if needed := _missing_keys(secret, bucket.text("spec.provider") or "generic"):
            facts = {"secret": secret.name, "needed": needed, "held": f"; {key_list(secret)}"}
            yield Problem(bucket.ref, facts, field="spec.secretRef", shared=f"{secret.ref} {needed}")


def _missing_keys(secret: Resource, provider: str) -> str:
    if provider == "gcp":
        return "" if has_value(secret, "serviceaccount") else "serviceaccount"
    if provider == "azure":
        is_complete = has_any_value(secret, "accountKey", "sasKey", "clientId", "authorityHost")
        return "" if is_complete else "accountKey, sasKey, or tenantId, clientId and clientSecret"
    return " and ".join(key for key in ("accesskey", "secretkey") if not has_value(secret, key))
