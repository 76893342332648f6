"""The source of a Kustomization does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, Ref, Resource, State, Unknown, did_you_mean, state, suggestion


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Look up every source. A wrong namespace or kind is more likely than a wrong name."""
    for kustomization in cluster.all("Kustomization"):
        references = graph.needs(kustomization.ref, Edge.SOURCE)
        if all(cluster.get(r.target) for r in references):
            continue
        if state(kustomization) is State.SUSPENDED or kustomization.has("metadata.deletionTimestamp"):
            continue
        for reference in references:
            lookup = cluster.look(reference.target)
            if lookup.unknown and state(kustomization) is State.FAILED:
                yield Unknown(kustomization.ref, lookup.why)
            elif lookup.absent:
                yield _problem(cluster, kustomization, reference.target)


def _problem(cluster: Cluster, kustomization: Resource, target: Ref) -> Problem:
    kinds = ("GitRepository", "OCIRepository", "Bucket", "ExternalArtifact")
    same_name = [r.ref for r in cluster.all(*kinds) if r.name == target.name]
    elsewhere = [r for r in same_name if r.kind == target.kind]
    if elsewhere:
        field, hint = "spec.sourceRef.namespace", suggestion(map(str, elsewhere[:1]))
        field = field if kustomization.has(field) else "spec.sourceRef"
    elif same_name:
        field, hint = "spec.sourceRef.kind", suggestion(map(str, same_name[:1]))
    else:
        field = "spec.sourceRef.name"
        hint = did_you_mean(target.name, cluster.names(target.kind, target.namespace))
    return Problem(kustomization.ref, {"source": target, "near": hint}, field=field, missing=target)
