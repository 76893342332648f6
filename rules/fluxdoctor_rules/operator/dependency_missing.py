"""A ResourceSet depends on an object that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem
from fluxdoctor_rules.operator._near import near


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Look up the objects of spec.dependsOn, of any kind that was listed."""
    for resources in cluster.all("ResourceSet"):
        for reference in graph.needs(resources.ref, Edge.DEPENDS_ON):
            target = reference.target
            if cluster.look(target).absent and not resources.has("metadata.deletionTimestamp"):
                facts = {"wanted": str(target), "near": near(cluster, target)}
                yield Problem(resources.ref, facts, field=reference.field, key=str(target), missing=target)
