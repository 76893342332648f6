"""A HelmRelease uses a source of another namespace where helm-controller forbids it."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Graph, Problem, Resource, Severity, State, condition, state
from fluxdoctor_rules.helm._releases import active

_FLAG = "--no-cross-namespace-refs"


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Read the controller's arguments; a release whose HelmChart was made before stays Ready (helm-controller 1.6)."""
    where = next((f"{d.ref} args" for d in cluster.controllers("helm-controller") if _forbids(d)), "")
    for release in active(cluster) if where else ():
        for need in graph.needs(release.ref, Edge.CHART_REF, Edge.SOURCE):
            if need.target.namespace == release.namespace:
                continue
            ready = state(release) is State.READY
            facts = {
                "kind": need.target.kind,
                "name": need.target.named,
                "still": "; it still runs with the chart that it has, and the next change of its chart is refused"
                if ready
                else "",
            }
            proof = Evidence(f"helm-controller runs with {_FLAG}", where)
            said = condition(release, "Ready")
            refused = said is not None and said.reason == "AccessDenied"
            level = None if refused else Severity.WARNING
            yield Problem(release.ref, facts, evidence=(proof,), field=f"{need.field}.namespace", severity=level)


def _forbids(deployment: Resource) -> bool:
    rows = deployment.rows("spec.template.spec.containers")
    return any(a in (_FLAG, f"{_FLAG}=true") for row in rows for a in row.strings("args"))
