"""The artifact was made anew under the same revision, and the Kustomization has not looked at it."""

from collections.abc import Iterator
from datetime import timedelta

from fluxdoctor import Clock, Cluster, Evidence, Manifests, Problem, State, age, condition, moment, revision, state

_GRACE = timedelta(minutes=1)


def check(cluster: Cluster, clock: Clock) -> Iterator[Problem]:
    """Compare the artifact's time with the last reconciliation: only a new revision triggers one (kustomize-controller 1.9)."""
    for kustomization in cluster.all("Kustomization"):
        source = cluster.get(Manifests.source(kustomization))
        busy = condition(kustomization, "Reconciling")
        if source is None or state(kustomization) is not State.READY or (busy and busy.status == "True"):
            continue
        times = [moment(row.text("lastReconciled")) for row in kustomization.rows("status.history")]
        last = max((t for t in times if t), default=None)
        made = moment(source.text("status.artifact.lastUpdateTime"))
        same = revision(source) == revision(kustomization)
        if same and last and made and made > last and clock.taken - made > _GRACE:
            facts = {
                "source": str(source.ref),
                "when": f"{age(made, clock.taken)} ago",
                "every": kustomization.text("spec.interval"),
                "name": kustomization.name,
                "namespace": kustomization.namespace,
            }
            proof = Evidence(f"last reconciled {age(last, clock.taken)} ago", f"{kustomization.ref} status.history")
            yield Problem(kustomization.ref, facts, evidence=(proof,), field="spec.interval")
