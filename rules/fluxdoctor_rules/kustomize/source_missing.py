"""A Kustomization names a source that does not exist."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, Ref, Resource, State, Unknown, state


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Look every source up; the name in another namespace, or as another kind, is the likely mistake."""
    for kustomization in cluster.all("Kustomization"):
        references = graph.needs(kustomization.ref, Edge.SOURCE)
        if all(cluster.get(r.target) for r in references):
            continue
        if state(kustomization) is State.SUSPENDED or kustomization.has("metadata.deletionTimestamp"):
            continue
        for reference in references:
            found = cluster.look(reference.target)
            if found.unknown and state(kustomization) is State.FAILED:
                yield Unknown(kustomization.ref, found.why)
            elif found.absent:
                yield _problem(cluster, kustomization, reference.target)


def _problem(cluster: Cluster, kustomization: Resource, target: Ref) -> Problem:
    kinds = ("GitRepository", "OCIRepository", "Bucket", "ExternalArtifact")
    known = [r.ref for r in cluster.all(*kinds)]
    same = [r for r in known if r.name == target.name]
    elsewhere = [r for r in same if r.kind == target.kind]
    near = difflib.get_close_matches(target.name, cluster.names(target.kind, target.namespace), 2, 0.6)
    field, hint = "spec.sourceRef.name", f"; the nearest names are {', '.join(near)}" if near else ""
    if elsewhere:
        field, hint = (
            "spec.sourceRef.namespace",
            f"; one of that name is in namespace {elsewhere[0].namespace}",
        )
    elif same:
        field, hint = "spec.sourceRef.kind", f"; there is {same[0]}"
    if field.endswith("namespace") and not kustomization.has(field):
        field = "spec.sourceRef"
    facts = {"kind": target.kind, "namespace": target.namespace, "name": target.name, "near": hint}
    return Problem(kustomization.ref, facts, field=field, missing=target)
