"""An ExternalArtifact whose URL points to source-controller instead of source-watcher."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, Problem


def check(cluster: Cluster) -> Iterator[Problem]:
    """Compare the host of the URL with the producer: source-watcher serves the artifacts of ArtifactGenerators."""
    for artifact in cluster.active("ExternalArtifact"):
        url = artifact.text("status.artifact.url")
        server = url.partition("://")[2].partition("/")[0].partition(".")[0]
        if server == "source-controller" and artifact.text("spec.sourceRef.kind") == "ArtifactGenerator":
            proof = Evidence.field(f"status.artifact.url: {url}", str(artifact.ref))
            yield Problem(artifact.ref, {"address": url}, (proof,), shared="source-watcher")
