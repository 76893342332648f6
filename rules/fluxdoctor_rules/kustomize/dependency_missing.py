"""A Kustomization depends on a Kustomization that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, Ref, State, Unknown, did_you_mean, state


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Look up every dependency; its namespace is by default that of the Kustomization."""
    for kustomization in cluster.all("Kustomization"):
        references = graph.needs(kustomization.ref, Edge.DEPENDS_ON)
        if all(cluster.get(r.target) for r in references):
            continue
        if state(kustomization) is State.SUSPENDED or kustomization.has("metadata.deletionTimestamp"):
            continue
        for reference in references:
            target, lookup = reference.target, cluster.look(reference.target)
            if lookup.unknown and state(kustomization) is State.FAILED:
                yield Unknown(kustomization.ref, lookup.why)
            elif lookup.absent:
                facts = {
                    "namespace": target.namespace,
                    "name": target.name,
                    "near": _near(cluster, target, kustomization.ref),
                }
                field = f"{reference.field}.name"
                yield Problem(kustomization.ref, facts, field=field, key=target.named, missing=target)


def _near(cluster: Cluster, target: Ref, subject: Ref) -> str:
    others = [r.ref for r in cluster.all("Kustomization", "HelmRelease") if r.name == target.name]
    for ref in others:
        if ref.kind == "HelmRelease":
            return f"; {ref} exists, but a Kustomization cannot depend on it: use the Kustomization that applies it"
        return f"; it exists in namespace {ref.namespace}"
    names = [n for n in cluster.names("Kustomization", target.namespace) if target._replace(name=n) != subject]
    return did_you_mean(target.name, names)
