"""A Kustomization depends on one that does not exist."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, Ref, State, Unknown, state


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Look every dependency up; a HelmRelease cannot be one, and the namespace is the Kustomization's own by default."""
    for kustomization in cluster.all("Kustomization"):
        references = graph.needs(kustomization.ref, Edge.DEPENDS_ON)
        if all(cluster.get(r.target) for r in references):
            continue
        if state(kustomization) is State.SUSPENDED or kustomization.has("metadata.deletionTimestamp"):
            continue
        for reference in references:
            target, found = reference.target, cluster.look(reference.target)
            if found.unknown and state(kustomization) is State.FAILED:
                yield Unknown(kustomization.ref, found.why)
            elif found.absent:
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
            return f"; {ref} is a HelmRelease, which a Kustomization cannot depend on: name the Kustomization that applies it"
        return f"; one of that name is in namespace {ref.namespace}"
    names = [n for n in cluster.names("Kustomization", target.namespace) if target._replace(name=n) != subject]
    near = difflib.get_close_matches(target.name, names, 2, 0.6)
    return f"; the nearest names are {', '.join(near)}" if near else ""
