"""flux-operator runs, but no FluxInstance makes it install Flux."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem


def check(cluster: Cluster) -> Iterator[Problem]:
    """Report flux-operator if the cluster has neither a FluxInstance nor Flux controllers."""
    is_complete = cluster.saw_all("FluxInstance") and cluster.saw_all("Deployment")
    if not is_complete or cluster.all("FluxInstance") or cluster.controllers("source-controller"):
        return
    for operator in cluster.controllers("flux-operator"):
        facts = {"namespace": operator.namespace}
        yield Problem(operator.ref, facts, (Evidence.field("no FluxInstance in the cluster", str(operator.ref)),))
        return
