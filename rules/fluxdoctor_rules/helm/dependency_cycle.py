"""HelmReleases that depend on each other."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, Ref, Severity, State, is_suspended, state


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Report cycles of dependsOn: they never resolve, but have no effect while every member is Ready."""
    for members in graph.cycles(Edge.DEPENDS_ON):
        releases = [release for ref in members if (release := cluster.get(ref))]
        if not releases or any(release.kind != "HelmRelease" for release in releases):
            continue
        if any(map(is_suspended, releases)):
            continue
        states = {state(release) for release in releases}
        yield Problem(
            members[0],
            {"way": _path(graph, members)},
            field="spec.dependsOn",
            explains=members[1:],
            severity=Severity.WARNING if states == {State.READY} else None,
        )


def _path(graph: Graph, members: tuple[Ref, ...]) -> str:
    """Return one path around the cycle: HelmRelease/apps/a -> HelmRelease/apps/b -> HelmRelease/apps/a."""
    path = [members[0]]
    while len(path) <= len(members):
        targets = [edge.target for edge in graph.needs(path[-1], Edge.DEPENDS_ON) if edge.target in members]
        following = next((target for target in targets if target not in path), None)
        if following is None:
            break
        path.append(following)
    return " -> ".join(map(str, (*path, path[0])))
