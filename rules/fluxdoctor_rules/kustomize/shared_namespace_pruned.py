"""An application's Kustomization holds the Namespace in which others have objects too."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Graph, Problem, Ref, Resource, State, inventory, state

_PRUNE = "kustomize.toolkit.fluxcd.io/prune"
_SHOWN = 3


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Compare the inventories by namespace; a Kustomization of namespaces only, and its own children, are meant so."""
    owners: dict[str, dict[Ref, None]] = {}
    listed = {k.ref: inventory(k) for k in cluster.all("HelmRelease", "Kustomization") if not k.has("spec.kubeConfig")}
    for owner, refs in listed.items():
        for inner in {ref.namespace for ref in refs if ref.namespace}:
            owners.setdefault(inner, {})[owner] = None
    for kustomization in cluster.all("Kustomization"):
        if not kustomization.flag("spec.prune") or state(kustomization) is State.SUSPENDED:
            continue
        held = [r for r in listed.get(kustomization.ref, ()) if r.kind == "Namespace"]
        for namespace in held:
            inside = owners.get(namespace.name, {})
            if namespace.name == kustomization.namespace or kustomization.ref not in inside:
                continue
            if not _protected(cluster.get(namespace)):
                others = [o for o in inside if o != kustomization.ref and not _is_below(o, kustomization.ref, graph)]
                if others:
                    yield _problem(kustomization.ref, namespace, others)


def _protected(live: Resource | None) -> bool:
    return live is not None and "disabled" in (live.annotation(_PRUNE).lower(), live.label(_PRUNE).lower())


def _is_below(ref: Ref, above: Ref, graph: Graph) -> bool:
    """What a Kustomization applies, directly or not, goes with it anyway."""
    seen: set[Ref] = set()
    todo = [ref]
    while todo:
        for parent, _ in graph.needed_by(todo.pop(), Edge.APPLIES):
            if parent == above:
                return True
            if parent not in seen:
                seen.add(parent)
                todo.append(parent)
    return False


def _problem(subject: Ref, namespace: Ref, others: list[Ref]) -> Problem:
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    names = ", ".join(map(str, others[:_SHOWN])) + more
    proof = Evidence(f"{others[0]} applies objects in {namespace.name}", f"{others[0]} status.inventory")
    facts = {"namespace": namespace.name, "others": names}
    return Problem(subject, facts, evidence=(proof,), field="spec.prune", key=namespace.name)
