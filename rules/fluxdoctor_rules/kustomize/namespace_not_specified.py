"""A declared Flux object has no namespace, and nothing gives it one: the API server refuses it."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, owner


def check(cluster: Cluster) -> Iterator[Problem]:
    """Look at what a build declares: an object in a cluster always has its namespace."""
    for resource in cluster.flux:
        applier = owner(resource)
        if not resource.namespace and applier:
            facts = {"object": str(resource.ref)}
            yield Problem(applier, facts, location=resource.at("metadata.name"), key=str(resource.ref))
