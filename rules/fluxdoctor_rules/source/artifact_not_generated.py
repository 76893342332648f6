"""An ExternalArtifact that its ArtifactGenerator does not fill."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Failures, Graph, Problem


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Fold the artifact, and who reads from it, under the generator that fails."""
    for artifact in cluster.all("ExternalArtifact"):
        for reference in graph.needs(artifact.ref, Edge.GENERATOR):
            if failures.of(reference.target) and not artifact.has("status.artifact"):
                proof = Evidence("no artifact in its status", str(artifact.ref))
                facts = {"generator": str(reference.target)}
                yield Problem(artifact.ref, facts, (proof,), because=(reference.target,))
