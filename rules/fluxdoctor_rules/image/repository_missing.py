"""A policy names an ImageRepository that does not exist."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, State, Unknown, state


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Look the ImageRepository of every policy up."""
    for policy in cluster.all("ImagePolicy"):
        if state(policy) is State.SUSPENDED or policy.has("metadata.deletionTimestamp"):
            continue
        for reference in graph.needs(policy.ref, Edge.IMAGE_REPOSITORY):
            target, found = reference.target, cluster.look(reference.target)
            if found.unknown and state(policy) is State.FAILED:
                yield Unknown(policy.ref, found.why)
            elif found.absent:
                elsewhere = [r.namespace for r in cluster.all("ImageRepository") if r.name == target.name]
                near = difflib.get_close_matches(
                    target.name, cluster.names("ImageRepository", target.namespace), 1, 0.6
                )
                hint = f"; the nearest name is {near[0]}" if near else ""
                hint = f"; one of that name is in namespace {elsewhere[0]}" if elsewhere else hint
                facts = {"repository": target.named, "near": hint}
                yield Problem(policy.ref, facts, field="spec.imageRepositoryRef.name", missing=target)
