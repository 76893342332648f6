"""A declared Flux object has no namespace, and nothing gives it one: the API server refuses it."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Problem, Versions, owner

#: Before, kustomize-controller ran kubectl apply, which puts such an object into the namespace default.
_SERVER_SIDE = (0, 18)


def check(cluster: Cluster, versions: Versions) -> Iterator[Problem]:
    """Look at what a build declares: an object in a cluster always has its namespace."""
    flux = versions.of("flux")
    if flux and flux < _SERVER_SIDE:
        return
    for resource in cluster.flux:
        applier = owner(resource)
        if not resource.namespace and applier:
            facts = {"object": str(resource.ref)}
            yield Problem(applier, facts, location=resource.at("metadata.name"), key=str(resource.ref))
