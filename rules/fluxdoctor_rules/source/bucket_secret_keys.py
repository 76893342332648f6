"""The Secret of a Bucket has not the keys that its provider needs."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Resource, State, state

from ._secrets import any_filled, filled, held, referred


def check(cluster: Cluster) -> Iterator[Problem]:
    """Compare key names with the provider; the controller refuses the Secret before it asks the host."""
    for bucket in cluster.all("Bucket"):
        found = referred(cluster, bucket)
        provider = bucket.text("spec.provider") or "generic"
        needed = _lacking(found.resource, provider) if found and found.resource else ""
        if found and found.resource and needed and state(bucket) is not State.SUSPENDED:
            facts = {"secret": found.resource.ref.named, "needed": needed, "held": f"; {held(found.resource)}"}
            yield Problem(bucket.ref, facts, field="spec.secretRef", shared=f"{found.resource.ref} {needed}")


def _lacking(secret: Resource, provider: str) -> str:
    if provider == "gcp":
        return "" if filled(secret, "serviceaccount") else "serviceaccount"
    if provider == "azure":
        one = any_filled(secret, "accountKey", "sasKey", "clientId", "authorityHost")
        return "" if one else "accountKey, sasKey, or tenantId, clientId and clientSecret"
    return " and ".join(key for key in ("accesskey", "secretkey") if not filled(secret, key))
