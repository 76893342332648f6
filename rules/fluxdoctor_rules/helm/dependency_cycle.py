"""HelmReleases that wait for each other."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, Ref, Severity, State, state


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """A cycle of dependsOn never resolves by itself; while every member is Ready it has not struck yet."""
    for members in graph.cycles(Edge.DEPENDS_ON):
        found = [r for ref in members if (r := cluster.get(ref))]
        if not found or any(r.kind != "HelmRelease" for r in found):
            continue
        states = {state(r) for r in found}
        if State.SUSPENDED in states:
            continue
        yield Problem(
            members[0],
            {"way": _way(graph, members)},
            field="spec.dependsOn",
            explains=members[1:],
            severity=Severity.WARNING if states == {State.READY} else None,
        )


def _way(graph: Graph, members: tuple[Ref, ...]) -> str:
    """Write one way around: apps/a -> apps/b -> apps/a."""
    way = [members[0]]
    while len(way) <= len(members):
        targets = [e.target for e in graph.needs(way[-1], Edge.DEPENDS_ON) if e.target in members]
        fresh = [t for t in targets if t not in way]
        if not fresh:
            break
        way.append(fresh[0])
    return " -> ".join(ref.named for ref in (*way, way[0]))
