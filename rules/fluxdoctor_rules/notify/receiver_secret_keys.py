"""The Secret of a Receiver has no key ``token``."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Ref

_WITHOUT_TOKEN = ("generic-oidc",)


def check(cluster: Cluster) -> Iterator[Problem]:
    """Check the names of the keys; the controller reports the error only when it reconciles the Receiver."""
    for receiver in cluster.active("Receiver"):
        name = receiver.text("spec.secretRef.name")
        if not name or receiver.text("spec.type") in _WITHOUT_TOKEN:
            continue
        secret = cluster.get(Ref("Secret", receiver.namespace, name))
        keys = secret.keys("keys") if secret else ()
        if secret and "token" not in keys:
            content = f"only {', '.join(keys)}" if keys else "no keys"
            facts = {"secret_name": secret.ref.named, "has": f", which has {content}"}
            yield Problem(receiver.ref, facts, field="spec.secretRef")
