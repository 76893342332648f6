"""The Secret of a Receiver has no key ``token``."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Ref, State, state

_WITHOUT = ("generic-oidc",)


def check(cluster: Cluster) -> Iterator[Problem]:
    """Read the names of the keys; an empty webhook path shows only once the Receiver is reconciled."""
    for receiver in cluster.all("Receiver"):
        name = receiver.text("spec.secretRef.name")
        if not name or state(receiver) is State.SUSPENDED or receiver.text("spec.type") in _WITHOUT:
            continue
        secret = cluster.get(Ref("Secret", receiver.namespace, name))
        keys = secret.keys("keys") if secret else ()
        if secret and "token" not in keys:
            has = f", which has {', '.join(keys) or 'no keys'}"
            yield Problem(receiver.ref, {"secret_name": secret.ref.named, "has": has}, field="spec.secretRef")
