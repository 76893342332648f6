"""flux-operator runs, and nothing tells it to install Flux."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem


def check(cluster: Cluster) -> Iterator[Problem]:
    """Flux is wanted where there are Flux objects; without a FluxInstance and without controllers nobody installs it."""
    known = cluster.saw_all("FluxInstance") and cluster.saw_all("Deployment")
    if not known or cluster.all("FluxInstance") or cluster.controllers("source-controller"):
        return
    for operator in cluster.controllers("flux-operator"):
        facts = {"namespace": operator.namespace}
        yield Problem(operator.ref, facts, (Evidence("no FluxInstance in the cluster", str(operator.ref)),))
        return
