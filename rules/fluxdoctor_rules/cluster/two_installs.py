"""Two Flux installations that both look after the whole cluster."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem
from fluxdoctor_rules.cluster import _controllers


def check(cluster: Cluster) -> Iterator[Problem]:
    """Find controllers of one name in two namespaces whose arguments leave none of the objects to the other."""
    for name in ("source-controller", "kustomize-controller", "helm-controller"):
        whole = [
            c
            for c in _controllers.all_of(cluster, name)
            if c.arguments
            and c.flag("watch-all-namespaces") != "false"
            and not c.flag("watch-label-selector")
            and c.deployment.number("spec.replicas", 1)
        ]
        spaces = sorted({c.deployment.namespace for c in whole})
        if len(spaces) > 1:
            proof = tuple(Evidence("watches all namespaces", str(c.deployment.ref)) for c in whole)
            facts = {"name": name, "spaces": " and ".join(spaces)}
            yield Problem(whole[-1].deployment.ref, facts, proof, shared="two installations")
