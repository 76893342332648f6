"""The manifests in git, each once, with the Kustomization that applies it."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Location, Manifests, Ref, Resource


def objects(cluster: Cluster, manifests: Manifests) -> Iterator[tuple[Ref, Resource]]:
    """Yield what every Kustomization declares; a file that several apply comes once."""
    seen: set[tuple[str, Location | None]] = set()
    for kustomization in cluster.all("Kustomization"):
        build = manifests.build(kustomization)
        for resource in build.objects if build else ():
            key = (str(manifests.source(kustomization)), resource.at("apiVersion"))
            if key not in seen:
                seen.add(key)
                yield kustomization.ref, resource
