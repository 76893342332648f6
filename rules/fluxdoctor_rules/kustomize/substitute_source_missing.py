"""A ConfigMap or Secret of spec.postBuild.substituteFrom does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Unknown, missing


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up every source of variables that is not optional."""
    for result in missing.references(cluster, ("Kustomization",), Edge.SUBSTITUTE_FROM):
        if isinstance(result, Unknown):
            yield result
        else:
            target = result.target
            yield result.problem({"kind": target.kind, "name": target.name}, key=str(target))
