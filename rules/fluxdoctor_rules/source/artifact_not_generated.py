"""An ExternalArtifact without an artifact because its ArtifactGenerator is failing."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Failures, Graph, Problem


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Group the ExternalArtifact and its consumers under the failing generator."""
    for artifact in cluster.active("ExternalArtifact"):
        for reference in graph.needs(artifact.ref, Edge.GENERATOR):
            if failures.of(reference.target) and not artifact.has("status.artifact"):
                proof = Evidence.field("status.artifact is not set", str(artifact.ref))
                facts = {"generator": str(reference.target)}
                yield Problem(artifact.ref, facts, (proof,), because=(reference.target,))
