"""A Receiver of type gcr whose Secret does not say whose tokens are to be believed."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem, Ref, Target, Versions
from fluxdoctor_rules.upgrade import _table

_SINCE = (1, 9)
_NEEDED = ("email", "audience")


def check(cluster: Cluster, versions: Versions, target: Target | None) -> Iterator[Problem]:
    """Read the names of the keys; notification-controller demands them from 1.9 (Flux 2.9) on."""
    has = versions.of("notification-controller")
    planned = target is not None and target.flux is not None and target.flux >= _table.GCR_KEYS
    if not planned and (has is None or has < _SINCE):
        return
    for receiver in cluster.all("Receiver"):
        secret = cluster.get(Ref("Secret", receiver.namespace, receiver.text("spec.secretRef.name")))
        if receiver.text("spec.type") != "gcr" or secret is None:
            continue
        lacking = [key for key in _NEEDED if key not in secret.keys("keys")]
        if lacking and not receiver.flag("spec.suspend"):
            facts = {"lacking": " and ".join(lacking), "secret_name": secret.ref.named}
            proof = Evidence(f"keys: {', '.join(secret.keys('keys')) or 'none'}", str(secret.ref))
            yield Problem(receiver.ref, facts, (proof,), field="spec.secretRef")
