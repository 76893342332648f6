"""An application's Kustomization owns a Namespace in which other owners have objects too."""

from collections.abc import Iterator
from itertools import islice

from fluxdoctor import Cluster, Evidence, Graph, Problem, Ref, Resource, inventory

_PRUNE = "kustomize.toolkit.fluxcd.io/prune"
_LISTED = 3


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Compare the inventories by namespace. A Kustomization for namespaces only and its own children are intended."""
    namespaces = {k.ref: refs for k in cluster.active("Kustomization") if (refs := _namespaces(k))}
    owners: dict[str, dict[Ref, None]] = {ref.name: {} for refs in namespaces.values() for ref in refs}
    for owner in cluster.all("HelmRelease", "Kustomization") if owners else ():
        for inner in {ref.namespace for ref in _applied(owner)} & owners.keys():
            owners[inner][owner.ref] = None
    for kustomization in filter(None, map(cluster.get, namespaces)):
        for namespace in namespaces[kustomization.ref]:
            inside = owners[namespace.name]
            if namespace.name == kustomization.namespace or kustomization.ref not in inside:
                continue
            if not _protected(cluster.get(namespace)):
                below = _below(kustomization.ref, graph)
                others = len(inside) - sum(ref in inside for ref in below)
                if others:
                    examples = islice((ref for ref in inside if ref not in below), _LISTED)
                    yield _problem(kustomization.ref, namespace, list(examples), others)


def _applied(owner: Resource) -> tuple[Ref, ...]:
    """Return the inventory of an owner; empty if it applies to another cluster."""
    return () if owner.has("spec.kubeConfig") else inventory(owner)


def _namespaces(kustomization: Resource) -> list[Ref]:
    """Return the Namespaces that are deleted if a Kustomization is deleted."""
    refs = [ref for ref in _applied(kustomization) if ref.kind == "Namespace"]
    return refs if kustomization.flag("spec.prune") else []


def _protected(live: Resource | None) -> bool:
    return live is not None and "disabled" in (live.annotation(_PRUNE).lower(), live.label(_PRUNE).lower())


def _below(ref: Ref, graph: Graph) -> set[Ref]:
    """Return a Kustomization and the Flux objects that it applies, directly or not: they are deleted with it anyway."""
    descendants = {ref}
    queue = [ref]
    while queue:
        children = [child for child in graph.children.get(queue.pop(), ()) if child not in descendants]
        descendants.update(children)
        queue += children
    return descendants


def _problem(subject: Ref, namespace: Ref, others: list[Ref], count: int) -> Problem:
    more = f" and {count - _LISTED} more" if count > _LISTED else ""
    names = ", ".join(map(str, others)) + more
    proof = Evidence.field(f"{others[0]} applies objects in {namespace.name}", f"{others[0]} status.inventory")
    facts = {"namespace": namespace.name, "others": names}
    return Problem(subject, facts, evidence=(proof,), field="spec.prune", key=namespace.name)
