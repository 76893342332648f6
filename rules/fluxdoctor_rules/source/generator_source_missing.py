"""An ArtifactGenerator that uses a source that does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, did_you_mean


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Look up every source of every generator."""
    for generator in cluster.all("ArtifactGenerator"):
        for reference in graph.needs(generator.ref, Edge.SOURCE):
            target = reference.target
            if cluster.look(target).absent and not generator.has("metadata.deletionTimestamp"):
                hint = did_you_mean(target.name, cluster.names(target.kind, target.namespace))
                facts = {"wanted": str(target), "near": hint}
                yield Problem(generator.ref, facts, field=reference.field, key=str(target), missing=target)
