"""The Secret of spec.certSecretRef has no certificate under a name that is read."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Resource, State, state

from ._secrets import any_filled, held, referred

_KINDS = ("Bucket", "HelmRepository", "OCIRepository")


def check(cluster: Cluster) -> Iterator[Problem]:
    """It needs ca.crt, or both tls.crt and tls.key; the older names caFile, certFile and keyFile still count."""
    for resource in cluster.all(*_KINDS):
        found = referred(cluster, resource, "spec.certSecretRef")
        if found and found.resource and state(resource) is not State.SUSPENDED and (lack := _lack(found.resource)):
            facts = {"secret": found.resource.ref.named, "lack": lack, "held": f"; {held(found.resource)}"}
            yield Problem(resource.ref, facts, field="spec.certSecretRef", shared=str(found.resource.ref))


def _lack(secret: Resource) -> str:
    certificate, key = any_filled(secret, "tls.crt", "certFile"), any_filled(secret, "tls.key", "keyFile")
    if certificate != key:
        return "tls.key beside tls.crt" if certificate else "tls.crt beside tls.key"
    return "" if certificate or any_filled(secret, "ca.crt", "caFile") else "ca.crt, nor tls.crt and tls.key"
