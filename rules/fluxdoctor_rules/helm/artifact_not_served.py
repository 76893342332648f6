"""source-controller does not have the archive of a chart."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Confidence, Edge, Failures, Problem, Ref, references


def check(cluster: Cluster, failures: Failures) -> Iterator[Problem]:
    """Blame the Deployments of source-controller, which serve the archive."""
    servers = tuple(d.ref for d in cluster.controllers("source-controller"))
    for failure in failures.failed:
        if failure.ref.kind == "HelmRelease" and "artifact not found. Retrying in" in failure.message:
            sources = (r.target for r in references(failure.resource) if r.edge in (Edge.SOURCE, Edge.CHART_REF))
            facts: dict[str, str | Ref] = {"source": next(sources, "its source")}
            yield Problem(failure.ref, facts, because=servers, confidence=Confidence.REPORTED)
