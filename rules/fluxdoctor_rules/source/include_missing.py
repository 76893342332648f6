"""A GitRepository includes another one that does not exist."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Ref, State, references, state


def check(cluster: Cluster) -> Iterator[Problem]:
    """Look up each include; it can only be in the same namespace."""
    for repository in cluster.all("GitRepository"):
        if state(repository) is State.SUSPENDED:
            continue
        for reference in references(repository):
            if reference.edge is Edge.INCLUDE and cluster.look(reference.target).absent:
                facts = {"name": reference.target.name, "hint": _hint(cluster, reference.target)}
                field = f"{reference.field}.repository.name"
                yield Problem(repository.ref, facts, field=field, key=reference.field, missing=reference.target)


def _hint(cluster: Cluster, target: Ref) -> str:
    elsewhere = [r.namespace for r in cluster.all("GitRepository") if r.name == target.name]
    if elsewhere:
        return f"; there is one in {elsewhere[0]}, and an include cannot name another namespace"
    near = difflib.get_close_matches(target.name, cluster.names("GitRepository", target.namespace), 1, 0.6)
    return f"; the nearest name is {near[0]}" if near else ""
