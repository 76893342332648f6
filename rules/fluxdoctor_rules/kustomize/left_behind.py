"""Objects that a Kustomization applied and no longer manages: it neither updates nor deletes them."""

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
    is_terminating,
    kubectl,
    owner,
    revision,
    state,
)

_PRUNE = "kustomize.toolkit.fluxcd.io/prune"
#: Objects that controllers create with the labels of their owner.
_COPIES = ("Endpoints", "EndpointSlice", "ControllerRevision", "ReplicaSet", "Pod", "Event", "PodMetrics")
_MOST = 3


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Compare the labels with the inventories; kustomize-controller sets both."""
    if not cluster.all("Kustomization"):
        return
    children: dict[Ref, list[Resource]] = {}
    for resource in cluster:
        parent = owner(resource)
        if parent and parent.kind == "Kustomization":
            children.setdefault(parent, []).append(resource)
    for parent in sorted(children):
        if unmanaged := _unmanaged(parent, children[parent], cluster, graph):
            yield _problem(parent, cluster.get(parent), [r.ref for r in unmanaged])


def _unmanaged(parent: Ref, resources: list[Resource], cluster: Cluster, graph: Graph) -> list[Resource]:
    """Return the objects with the labels of a Kustomization that it does not manage."""
    kustomization = cluster.get(parent)
    if kustomization is None:
        # A hub cluster can apply objects to this cluster, so only namespaces with a Kustomization are checked.
        is_deleted = cluster.is_absent(parent) and cluster.names("Kustomization", parent.namespace)
        return [r for r in resources if _is_candidate(r) and not graph.appliers(r.ref)] if is_deleted else []
    if not _is_settled(kustomization, cluster):
        return []
    managed = frozenset(inventory(kustomization))
    return [r for r in resources if r.ref not in managed and _is_candidate(r) and _is_unpruned(kustomization, r)]


def _is_candidate(resource: Resource) -> bool:
    is_owned = resource.has("metadata.ownerReferences") or is_terminating(resource)
    return resource.kind not in _COPIES and not is_owned


def _is_settled(kustomization: Resource, cluster: Cluster) -> bool:
    """Tell whether a Kustomization is Ready at the source's current revision and has an inventory."""
    source = cluster.get(Manifests.source(kustomization))
    is_current = source is not None and revision(source) in ("", revision(kustomization))
    return state(kustomization) is State.READY and is_current and kustomization.has("status.inventory")


def _is_unpruned(kustomization: Resource, resource: Resource) -> bool:
    is_protected = "disabled" in (resource.annotation(_PRUNE).lower(), resource.label(_PRUNE).lower())
    return is_protected or not kustomization.flag("spec.prune")


def _problem(parent: Ref, kustomization: Resource | None, refs: list[Ref]) -> Problem:
    rest = ", ".join(map(str, refs[1 : _MOST + 1])) + (" ..." if len(refs) > _MOST + 1 else "")
    state_text = "no longer exists" if kustomization is None else "does not declare it and does not prune it"
    facts = {
        "more": f" (also {rest})" if rest else "",
        "why": f"{parent} {state_text}",
        "removal": kubectl("delete", *refs),
    }
    proof = Evidence.field(f"its labels name {parent}", f"{refs[0]} metadata.labels")
    return Problem(refs[0], facts, evidence=(proof,), key=str(parent))
