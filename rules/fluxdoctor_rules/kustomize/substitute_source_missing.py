"""A ConfigMap or Secret of spec.postBuild.substituteFrom does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, State, did_you_mean, state
from fluxdoctor_rules.shared.variables import sources


def check(cluster: Cluster) -> Iterator[Problem]:
    """Look up every source of variables that is not optional."""
    for kustomization in cluster.all("Kustomization"):
        if state(kustomization) is State.SUSPENDED:
            continue
        for ref, field, optional in sources(kustomization):
            if not optional and cluster.look(ref).absent:
                hint = did_you_mean(ref.name, cluster.names(ref.kind, ref.namespace))
                facts = {"kind": ref.kind, "name": ref.name, "nearest": hint}
                yield Problem(kustomization.ref, facts, field=field, missing=ref, key=str(ref))
