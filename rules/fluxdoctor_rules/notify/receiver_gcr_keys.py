"""The Secret of a Receiver of type gcr has no email or audience."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Ref, Target, Versions
from fluxdoctor_rules.shared import removed_apis

_SINCE = (1, 9)
_REQUIRED = ("email", "audience")


def check(cluster: Cluster, versions: Versions, target: Target | None) -> Iterator[Problem]:
    """Check the names of the keys, which notification-controller requires since 1.9 (Flux 2.9)."""
    version = versions.of("notification-controller")
    is_planned = target is not None and target.flux is not None and target.flux >= removed_apis.GCR_KEYS
    if not is_planned and (version is None or version < _SINCE):
        return
    for receiver in cluster.active("Receiver"):
        secret = cluster.get(Ref("Secret", receiver.namespace, receiver.text("spec.secretRef.name")))
        if receiver.text("spec.type") != "gcr" or secret is None:
            continue
        missing = [key for key in _REQUIRED if key not in secret.keys("keys")]
        if missing:
            facts = {"lacking": " and ".join(missing), "secret_name": str(secret.ref)}
            proof = Evidence.field(f"keys: {', '.join(secret.keys('keys')) or 'none'}", str(secret.ref))
            yield Problem(receiver.ref, facts, (proof,), field="spec.secretRef")
