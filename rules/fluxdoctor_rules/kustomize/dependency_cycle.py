"""Kustomizations that wait for each other."""

from collections.abc import Iterator
from itertools import pairwise

from fluxdoctor import Cluster, Edge, Evidence, Failures, Graph, Problem, Ref, Resource, Severity, State, state


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Find the cycles of spec.dependsOn; one whose members are still Ready stops at the next change."""
    for members in graph.cycles(Edge.DEPENDS_ON):
        resources = [r for m in members if (r := cluster.get(m))]
        if members[0].kind == "HelmRelease":
            continue  # told with Helm's own words elsewhere
        if any(state(r) is State.SUSPENDED for r in resources):
            continue
        # One that is read from a repository is to be deployed: it stops then, unless an expression replaces being Ready.
        ahead = all(r.file for r in resources) and not any(_has_expression(r) for r in resources)
        waits = ahead or any(failures.of(m) for m in members)
        path = _path(members, graph)
        way = " -> ".join(ref.named for ref in path)
        own = " (it names itself)" if len(members) == 1 else ""
        yield Problem(
            members[0],
            {"way": f"{way}{own}"},
            evidence=tuple(Evidence(f"spec.dependsOn: {b.named}", str(a)) for a, b in pairwise(path)),
            field=next(
                (r.field for r in graph.needs(path[0], Edge.DEPENDS_ON) if r.target == path[1]),
                "spec.dependsOn",
            ),
            explains=members[1:],
            severity=None if waits else Severity.WARNING,
        )


def _has_expression(resource: Resource) -> bool:
    """Tell whether readyExpr replaces that a dependency is Ready and of the same revision (kustomize-controller 1.7)."""
    return any(row.has("readyExpr") for row in resource.rows("spec.dependsOn"))


def _path(members: tuple[Ref, ...], graph: Graph) -> tuple[Ref, ...]:
    """Walk from the first member along the arrows until one is met again, and cut to the circle that holds the first."""
    steps = {m: [r.target for r in graph.needs(m, Edge.DEPENDS_ON) if r.target in members] for m in members}
    start = members[0]
    ways: list[tuple[Ref, ...]] = [(start,)]
    seen: set[Ref] = set()
    while ways:
        way = ways.pop(0)
        for target in steps[way[-1]]:
            if target == start:
                return (*way, start)
            if target not in seen:
                seen.add(target)
                ways.append((*way, target))
    return (start, start)
