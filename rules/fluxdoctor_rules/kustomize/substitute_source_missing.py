"""A ConfigMap or Secret of spec.postBuild.substituteFrom does not exist."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, State, state

from ._variables import sources


def check(cluster: Cluster) -> Iterator[Problem]:
    """Look every source of variables up that may not be absent."""
    for kustomization in cluster.all("Kustomization"):
        if state(kustomization) is State.SUSPENDED:
            continue
        for ref, field, optional in sources(kustomization):
            if not optional and cluster.look(ref).absent:
                near = difflib.get_close_matches(ref.name, cluster.names(ref.kind, ref.namespace), 1, 0.6)
                facts = {
                    "kind": ref.kind,
                    "name": ref.name,
                    "nearest": f"; the nearest is {near[0]}" if near else "",
                    "instead": f" (the nearest is {near[0]})" if near else "",
                }
                yield Problem(kustomization.ref, facts, field=field, missing=ref, key=str(ref))
