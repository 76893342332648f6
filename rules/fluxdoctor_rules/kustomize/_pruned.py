"""The objects that a Kustomization will prune when it applies the latest revision of its source."""

from collections.abc import Iterator

from fluxdoctor import Build, Cluster, Manifests, Ref, Resource, inventory, revision

_PRUNE = "kustomize.toolkit.fluxcd.io/prune"


def pruning(cluster: Cluster, manifests: Manifests) -> Iterator[tuple[Resource, Build, list[Ref]]]:
    """Yield the Kustomizations that have not applied the latest revision, with the inventory objects it no longer declares."""
    for kustomization in cluster.active("Kustomization"):
        build = manifests.build(kustomization)
        if not (build and build.complete and kustomization.flag("spec.prune") and _is_ahead(kustomization, cluster)):
            continue
        if kustomization.has("spec.kubeConfig"):
            continue
        declared = {manifests.live_ref(resource, kustomization) for resource in build.objects}
        gone = [ref for ref in inventory(kustomization) if ref not in declared and not _protected(cluster.get(ref))]
        yield kustomization, build, gone


def others(ref: Ref, kustomization: Resource, manifests: Manifests) -> tuple[Ref, ...]:
    """Return the other Kustomizations whose files declare an object."""
    return tuple(o for o in manifests.producers(ref) if o != kustomization.ref)


def _is_ahead(kustomization: Resource, cluster: Cluster) -> bool:
    source = cluster.get(Manifests.source(kustomization))
    latest, applied = revision(source) if source else "", revision(kustomization)
    return bool(latest and applied and latest != applied)


def _protected(live: Resource | None) -> bool:
    return live is not None and "disabled" in (live.annotation(_PRUNE).lower(), live.label(_PRUNE).lower())
