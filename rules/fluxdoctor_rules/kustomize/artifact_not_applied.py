"""The source stored a new artifact with the same revision, and the Kustomization has not applied it."""

from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import (
    Clock,
    Cluster,
    Evidence,
    Manifests,
    Problem,
    State,
    age,
    condition,
    moment,
    revision,
    state,
)
from fluxdoctor_rules.shared.history import last_reconciled

_GRACE = timedelta(minutes=1)


def check(cluster: Cluster, clock: Clock) -> Iterator[Problem]:
    """Compare the time of the artifact with the last reconciliation.

    Only a new revision triggers a reconciliation, not a new artifact (kustomize-controller 1.9).
    """
    for kustomization in cluster.active("Kustomization"):
        source = cluster.get(Manifests.source(kustomization))
        if source is None or state(kustomization) is not State.READY:
            continue
        stored, last = moment(source.text("status.artifact.lastUpdateTime")), last_reconciled(kustomization)
        if not (stored and last and stored > last and clock.taken - stored > _GRACE):
            continue
        busy = condition(kustomization, "Reconciling")
        if revision(source) == revision(kustomization) and not (busy and busy.status == "True"):
            facts = {
                "source": str(source.ref),
                "when": f"{age(stored, clock.taken)} ago",
                "every": kustomization.text("spec.interval"),
            }
            proof = Evidence.field(
                f"last reconciled {age(last, clock.taken)} ago",
                f"{kustomization.ref} status.history",
            )
            yield Problem(kustomization.ref, facts, evidence=(proof,), field="spec.interval")
