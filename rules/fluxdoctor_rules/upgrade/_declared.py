"""The manifests in git, each with the Kustomization that applies it."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Location, Manifests, Ref, Resource


def objects(cluster: Cluster, manifests: Manifests) -> Iterator[tuple[Ref, Resource]]:
    """Yield the objects that every Kustomization applies; a document that several apply is yielded once."""
    keys: set[tuple[str, Location | None]] = set()
    for kustomization in cluster.all("Kustomization"):
        build = manifests.build(kustomization)
        for resource in build.objects if build else ():
            key = (str(manifests.source(kustomization)), resource.at("apiVersion"))
            if key not in keys:
                keys.add(key)
                yield kustomization.ref, resource
