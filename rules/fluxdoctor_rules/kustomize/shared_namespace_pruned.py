"""An application's Kustomization holds the Namespace in which others have objects too."""

from collections.abc import Iterator
from itertools import islice

from fluxdoctor import Cluster, Evidence, Graph, Problem, Ref, Resource, State, inventory, state

_PRUNE = "kustomize.toolkit.fluxcd.io/prune"
_SHOWN = 3


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Compare the inventories by namespace; a Kustomization of namespaces only, and its own children, are meant so."""
    holds = {k.ref: held for k in cluster.all("Kustomization") if (held := _holds(k))}
    owners: dict[str, dict[Ref, None]] = {ref.name: {} for held in holds.values() for ref in held}
    for owner in cluster.all("HelmRelease", "Kustomization") if owners else ():
        for inner in {ref.namespace for ref in _here(owner)} & owners.keys():
            owners[inner][owner.ref] = None
    for kustomization in filter(None, map(cluster.get, holds)):
        for namespace in holds[kustomization.ref]:
            inside = owners[namespace.name]
            if namespace.name == kustomization.namespace or kustomization.ref not in inside:
                continue
            if not _protected(cluster.get(namespace)):
                below = _below(kustomization.ref, graph)
                others = len(inside) - sum(ref in inside for ref in below)
                if others:
                    shown = islice((ref for ref in inside if ref not in below), _SHOWN)
                    yield _problem(kustomization.ref, namespace, list(shown), others)


def _here(owner: Resource) -> tuple[Ref, ...]:
    """Return what an owner says it applied to this cluster."""
    return () if owner.has("spec.kubeConfig") else inventory(owner)


def _holds(kustomization: Resource) -> list[Ref]:
    """Return the Namespaces that go when a Kustomization goes."""
    held = [ref for ref in _here(kustomization) if ref.kind == "Namespace"]
    return held if kustomization.flag("spec.prune") and state(kustomization) is not State.SUSPENDED else []


def _protected(live: Resource | None) -> bool:
    return live is not None and "disabled" in (live.annotation(_PRUNE).lower(), live.label(_PRUNE).lower())


def _below(ref: Ref, graph: Graph) -> set[Ref]:
    """Return a Kustomization and the Flux objects that it applies, directly or not: they go with it anyway."""
    seen = {ref}
    todo = [ref]
    while todo:
        fresh = [child for child in graph.families.get(todo.pop(), ()) if child not in seen]
        seen.update(fresh)
        todo += fresh
    return seen


def _problem(subject: Ref, namespace: Ref, others: list[Ref], count: int) -> Problem:
    more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
    names = ", ".join(map(str, others)) + more
    proof = Evidence(f"{others[0]} applies objects in {namespace.name}", f"{others[0]} status.inventory")
    facts = {"namespace": namespace.name, "others": names}
    return Problem(subject, facts, evidence=(proof,), field="spec.prune", key=namespace.name)
