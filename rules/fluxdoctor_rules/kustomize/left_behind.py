"""Objects that a Kustomization applied once and no longer keeps: nobody updates or deletes them."""

from collections.abc import Iterator

from fluxdoctor import (
    Cluster,
    Evidence,
    Graph,
    Manifests,
    Problem,
    Ref,
    Resource,
    State,
    inventory,
    owner,
    revision,
    state,
)

_PRUNE = "kustomize.toolkit.fluxcd.io/prune"
#: Copies with the labels of the object that they belong to.
_COPIES = ("Endpoints", "EndpointSlice", "ControllerRevision", "ReplicaSet", "Pod", "Event", "PodMetrics")
_SHOWN = 3


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Compare the labels that kustomize-controller sets with the inventories: it writes both."""
    if not cluster.all("Kustomization"):
        return
    children: dict[Ref, list[Resource]] = {}
    for resource in cluster:
        parent = owner(resource)
        if parent and parent.kind == "Kustomization":
            children.setdefault(parent, []).append(resource)
    left = {parent: found for parent, made in children.items() if (found := _left(parent, made, cluster, graph))}
    for parent, objects in sorted(left.items()):
        yield _problem(parent, cluster.get(parent), [o.ref for o in objects])


def _left(parent: Ref, made: list[Resource], cluster: Cluster, graph: Graph) -> list[Resource]:
    """Return those of the objects with a Kustomization's labels that it does not keep."""
    maker = cluster.get(parent)
    if maker is None:
        # A hub may apply to this cluster from another one: only a namespace that Flux uses here is judged.
        gone = cluster.is_absent(parent) and cluster.names("Kustomization", parent.namespace)
        return [r for r in made if _judged(r) and not graph.appliers(r.ref)] if gone else []
    if not _settled(maker, cluster):
        return []
    keeps = frozenset(inventory(maker))
    return [r for r in made if r.ref not in keeps and _judged(r) and _unpruned(maker, r)]


def _judged(resource: Resource) -> bool:
    owned = resource.has("metadata.ownerReferences") or resource.has("metadata.deletionTimestamp")
    return resource.kind not in _COPIES and not owned


def _settled(maker: Resource, cluster: Cluster) -> bool:
    """Ready with the source's present revision, and with an inventory to compare with."""
    source = cluster.get(Manifests.source(maker))
    current = source is not None and revision(source) in ("", revision(maker))
    return state(maker) is State.READY and current and maker.has("status.inventory")


def _unpruned(maker: Resource, resource: Resource) -> bool:
    marked = "disabled" in (resource.annotation(_PRUNE).lower(), resource.label(_PRUNE).lower())
    return marked or not maker.flag("spec.prune")


def _problem(parent: Ref, maker: Resource | None, refs: list[Ref]) -> Problem:
    rest = ", ".join(map(str, refs[1 : _SHOWN + 1])) + (" ..." if len(refs) > _SHOWN + 1 else "")
    why = f"{parent} does not exist any more" if maker is None else f"{parent} does not declare it and does not prune"
    facts = {"more": f", with {rest}" if rest else "", "why": why}
    proof = Evidence(f"its labels name {parent}", f"{refs[0]} metadata.labels")
    return Problem(refs[0], facts, evidence=(proof,), key=str(parent))
