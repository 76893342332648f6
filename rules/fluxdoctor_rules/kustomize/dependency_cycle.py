"""Kustomizations that depend on each other."""

from collections.abc import Iterator
from itertools import pairwise

from fluxdoctor import (
    Cluster,
    Edge,
    Evidence,
    Failures,
    Graph,
    Problem,
    Ref,
    Resource,
    Severity,
    is_suspended,
)


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Report the cycles of spec.dependsOn; a cycle whose members are still Ready stops at the next change."""
    for members in graph.cycles(Edge.DEPENDS_ON):
        resources = [r for m in members if (r := cluster.get(m))]
        if members[0].kind == "HelmRelease":
            continue  # helm/dependency-cycle reports these
        if any(map(is_suspended, resources)):
            continue
        # A cycle in a repository stops when it is deployed, unless an expression replaces the Ready condition.
        is_planned = all(r.file for r in resources) and not any(_has_expression(r) for r in resources)
        is_blocked = is_planned or any(failures.of(m) for m in members)
        path = _path(members, graph)
        way = " -> ".join(map(str, path))
        suffix = " (depends on itself)" if len(members) == 1 else ""
        yield Problem(
            members[0],
            {"way": f"{way}{suffix}"},
            evidence=tuple(Evidence.field(f"spec.dependsOn: {b.named}", str(a)) for a, b in pairwise(path)),
            field=next(
                (r.field for r in graph.needs(path[0], Edge.DEPENDS_ON) if r.target == path[1]),
                "spec.dependsOn",
            ),
            explains=members[1:],
            severity=None if is_blocked else Severity.WARNING,
        )


def _has_expression(resource: Resource) -> bool:
    """Tell whether readyExpr replaces the check that a dependency is Ready at the same revision (kustomize-controller 1.7)."""
    return any(row.has("readyExpr") for row in resource.rows("spec.dependsOn"))


def _path(members: tuple[Ref, ...], graph: Graph) -> tuple[Ref, ...]:
    """Return the shortest path along the dependencies from the first member back to itself."""
    steps = {m: [r.target for r in graph.needs(m, Edge.DEPENDS_ON) if r.target in members] for m in members}
    start = members[0]
    ways: list[tuple[Ref, ...]] = [(start,)]
    visited: set[Ref] = set()
    while ways:
        way = ways.pop(0)
        for target in steps[way[-1]]:
            if target == start:
                return (*way, start)
            if target not in visited:
                visited.add(target)
                ways.append((*way, target))
    return (start, start)
