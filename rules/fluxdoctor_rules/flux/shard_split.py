"""A HelmChart and its source belong to different shards, so the chart's controller cannot read the source's artifact."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Evidence, Failures, Graph, Problem, owner

_SHARD = "sharding.fluxcd.io/key"
_NO_ARTIFACT = ("no artifact available", "no artifact", "no such file or directory")


def check(cluster: Cluster, graph: Graph, failures: Failures) -> Iterator[Problem]:
    """Compare the shard labels of failing HelmCharts with those of their sources."""
    for failure in failures.failed:
        chart = failure.resource
        if chart.kind != "HelmChart" or not any(s in w.message for w in failure.words for s in _NO_ARTIFACT):
            continue
        for reference in graph.needs(chart.ref, Edge.SOURCE):
            source = cluster.get(reference.target)
            own, other = chart.label(_SHARD), source.label(_SHARD) if source else ""
            if source and own != other and source.has("status.artifact"):
                release = owner(chart)
                facts = {"source": str(source.ref), "own": _shard(own), "other": _shard(other)}
                proof = Evidence.field(
                    f"{_SHARD}: {own or 'none'} here, {other or 'none'} on {source.ref}",
                    str(chart.ref),
                )
                yield Problem(release or chart.ref, facts, (proof,), explains=(chart.ref,),
                              field="spec.chart.metadata.labels" if release else "metadata.labels")  # fmt: skip


def _shard(label: str) -> str:
    return f"is in shard {label}" if label else "has no shard label"
