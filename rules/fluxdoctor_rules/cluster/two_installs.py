"""Two Flux installations that both reconcile the whole cluster."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem
from fluxdoctor_rules.shared import controllers


def check(cluster: Cluster) -> Iterator[Problem]:
    """Report controllers of one name in two namespaces that each watch all objects, according to their arguments."""
    for name in ("source-controller", "kustomize-controller", "helm-controller"):
        deployments = [
            c
            for c in controllers.all_of(cluster, name)
            if c.arguments
            and c.flag("watch-all-namespaces") != "false"
            and not c.flag("watch-label-selector")
            and c.deployment.number("spec.replicas", 1)
        ]
        spaces = sorted({c.deployment.namespace for c in deployments})
        if len(spaces) > 1:
            proof = tuple(Evidence.field("watches all namespaces", str(c.deployment.ref)) for c in deployments)
            facts = {"name": name, "spaces": " and ".join(spaces)}
            yield Problem(deployments[-1].deployment.ref, facts, proof, shared="two installations")
