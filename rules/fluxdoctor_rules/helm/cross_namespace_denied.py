"""A HelmRelease uses a source from another namespace, but helm-controller does not allow it."""

from collections.abc import Iterator

from fluxdoctor import (
    Cluster,
    Edge,
    Evidence,
    Graph,
    Problem,
    Resource,
    Severity,
    State,
    condition,
    state,
)

_FLAG = "--no-cross-namespace-refs"
_STILL_READY = "; the release keeps its current chart, but the next change of the chart will be refused"


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Read the controller's arguments.

    A release whose HelmChart was created before the flag was set stays Ready (helm-controller 1.6).
    """
    where = next((f"{d.ref} args" for d in cluster.controllers("helm-controller") if _forbids(d)), "")
    for release in cluster.active("HelmRelease") if where else ():
        for need in graph.needs(release.ref, Edge.CHART_REF, Edge.SOURCE):
            if need.target.namespace == release.namespace:
                continue
            facts = {
                "kind": need.target.kind,
                "name": need.target.named,
                "still": _STILL_READY if state(release) is State.READY else "",
            }
            proof = Evidence.field(f"helm-controller runs with {_FLAG}", where)
            ready = condition(release, "Ready")
            is_refused = ready is not None and ready.reason == "AccessDenied"
            severity = None if is_refused else Severity.WARNING
            yield Problem(release.ref, facts, evidence=(proof,), field=f"{need.field}.namespace", severity=severity)


def _forbids(deployment: Resource) -> bool:
    rows = deployment.rows("spec.template.spec.containers")
    return any(a in (_FLAG, f"{_FLAG}=true") for row in rows for a in row.strings("args"))
