"""An ArtifactGenerator reads from a source that does not exist."""

import difflib
from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem]:
    """Look every source of every generator up."""
    for generator in cluster.all("ArtifactGenerator"):
        for reference in graph.needs(generator.ref, Edge.SOURCE):
            target = reference.target
            if cluster.look(target).absent and not generator.has("metadata.deletionTimestamp"):
                close = difflib.get_close_matches(target.name, cluster.names(target.kind, target.namespace), 1, 0.6)
                facts = {"wanted": str(target), "near": f"; the nearest name is {close[0]}" if close else ""}
                yield Problem(generator.ref, facts, field=reference.field, key=str(target), missing=target)
