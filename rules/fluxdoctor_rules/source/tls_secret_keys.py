"""A source whose certSecretRef Secret has no certificate under a supported key."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Resource
from fluxdoctor_rules.source._secrets import has_any_value, key_list, secret_of

_KINDS = ("Bucket", "HelmRepository", "OCIRepository")


def check(cluster: Cluster) -> Iterator[Problem]:
    """Require ca.crt, or both tls.crt and tls.key; the older keys caFile, certFile and keyFile are still supported."""
    for resource in cluster.active(*_KINDS):
        lookup = secret_of(cluster, resource, "spec.certSecretRef")
        secret = lookup.resource if lookup else None
        if secret and (missing := _missing_keys(secret)):
            facts = {"secret": secret.ref.named, "lack": missing, "held": f"; {key_list(secret)}"}
            yield Problem(resource.ref, facts, field="spec.certSecretRef", shared=str(secret.ref))


def _missing_keys(secret: Resource) -> str:
    has_certificate = has_any_value(secret, "tls.crt", "certFile")
    if has_certificate != has_any_value(secret, "tls.key", "keyFile"):
        return "tls.key for tls.crt" if has_certificate else "tls.crt for tls.key"
    return "" if has_certificate or has_any_value(secret, "ca.crt", "caFile") else "ca.crt and no tls.crt with tls.key"
