"""What is Ready and gets nothing new, because the source it reads from fails."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Failures, Graph, Problem, State, age, revision, short, state

_READS = (Edge.SOURCE, Edge.CHART_REF, Edge.HELM_CHART, Edge.IMAGE_REPOSITORY, Edge.INCLUDE)
_SOURCES = ("GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Bucket", "ExternalArtifact")


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Find the consumers of each source that fails and still has an artifact; they are folded under the source."""
    for failure in failures.failed:
        source = failure.resource
        if source.kind not in _SOURCES or state(source) is not State.FAILED or not source.has("status.artifact"):
            continue
        for ref, _ in graph.needed_by(source.ref, *_READS):
            consumer = cluster.get(ref)
            if consumer and state(consumer) is State.READY:
                since = age(failure.since, failures.taken)
                held = short(revision(source))
                proof = Evidence(f"{source.ref} serves {held} and fails since {since or 'some time'}", str(source.ref))
                facts = {"source": str(source.ref), "held": held}
                yield Problem(ref, facts, (proof,), because=(source.ref,), key=str(source.ref))
