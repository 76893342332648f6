"""A Kustomization waits for an object that it applies, and the object depends on the Kustomization."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Failures, Graph, Problem, Ref


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Find the children of a waiting Kustomization that depend on it through spec.dependsOn."""
    for parent in cluster.active("Kustomization"):
        if not parent.flag("spec.wait") or not failures.of(parent.ref):
            continue
        applied = (r.target for r in graph.needs(parent.ref, Edge.APPLIES))
        children = [c for c in applied if c.kind == "Kustomization" and c != parent.ref and failures.of(c)]
        dependents = _dependents(parent.ref, graph) if children else frozenset()
        for child in children:
            if child in dependents:
                proof = Evidence.field(f"spec.dependsOn leads to {parent.ref}", str(child))
                facts = {"child": child}
                yield Problem(
                    parent.ref, facts, evidence=(proof,), field="spec.wait", key=str(child), explains=(child,)
                )


def _dependents(goal: Ref, graph: Graph) -> frozenset[Ref]:
    """Return everything that depends on an object, directly or not."""
    queue, dependents = [goal], set[Ref]()
    while queue:
        for source, _ in graph.needed_by(queue.pop(), Edge.DEPENDS_ON):
            if source not in dependents:
                dependents.add(source)
                queue.append(source)
    return frozenset(dependents)
