"""A ResourceSet takes inputs from a provider that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem
from fluxdoctor_rules.operator._near import near


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Look up every provider that is referenced by name; a label selector may match none."""
    for resources in cluster.all("ResourceSet"):
        for reference in graph.needs(resources.ref, Edge.INPUTS):
            target = reference.target
            if cluster.look(target).absent and not resources.has("metadata.deletionTimestamp"):
                facts = {"provider": target.named, "near": near(cluster, target)}
                yield Problem(resources.ref, facts, field=f"{reference.field}.name", key=str(target), missing=target)
