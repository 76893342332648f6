"""A Kustomization waits for what it applies, and that waits for the Kustomization."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Failures, Graph, Problem, Ref, State, state


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Follow spec.dependsOn from each child of a Kustomization that waits: none may lead back to it."""
    for parent in cluster.all("Kustomization"):
        if not parent.flag("spec.wait") or state(parent) is State.SUSPENDED:
            continue
        for child in (r.target for r in graph.needs(parent.ref, Edge.APPLIES) if r.target.kind == "Kustomization"):
            stuck = failures.of(child) and failures.of(parent.ref)
            if child != parent.ref and stuck and _leads(child, parent.ref, graph):
                proof = Evidence(f"spec.dependsOn leads to {parent.ref}", str(child))
                facts = {"child": child}
                yield Problem(
                    parent.ref, facts, evidence=(proof,), field="spec.wait", key=str(child), explains=(child,)
                )


def _leads(start: Ref, goal: Ref, graph: Graph) -> bool:
    todo, seen = [start], {start}
    while todo:
        for reference in graph.needs(todo.pop(), Edge.DEPENDS_ON):
            if reference.target == goal:
                return True
            if reference.target not in seen:
                seen.add(reference.target)
                todo.append(reference.target)
    return False
