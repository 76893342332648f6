"""A GitRepository that includes a GitRepository that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Ref, State, did_you_mean, references, state


def check(cluster: Cluster) -> Iterator[Problem]:
    """Look up each include in the namespace of the GitRepository: other namespaces are not supported."""
    for repository in cluster.all("GitRepository"):
        if state(repository) is State.SUSPENDED:
            continue
        for reference in references(repository):
            if reference.edge is Edge.INCLUDE and cluster.look(reference.target).absent:
                facts = {"name": reference.target.name, "hint": _hint(cluster, reference.target)}
                field = f"{reference.field}.repository.name"
                yield Problem(repository.ref, facts, field=field, key=reference.field, missing=reference.target)


def _hint(cluster: Cluster, target: Ref) -> str:
    elsewhere = [r.ref for r in cluster.all("GitRepository") if r.name == target.name]
    if elsewhere:
        return f"; {elsewhere[0]} exists, but spec.include cannot refer to another namespace"
    return did_you_mean(target.name, cluster.names("GitRepository", target.namespace))
