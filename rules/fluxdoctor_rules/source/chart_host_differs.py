"""A chart on another host than its index, to which source-controller does not send the credentials."""

from collections.abc import Iterator

from fluxdoctor import ChartIndexes, Cluster, Evidence, Failures, Problem, Ref, owner

_REFUSED = (" 401 ", " 403 ", "401 Unauthorized", "403 Forbidden")


def check(cluster: Cluster, charts: ChartIndexes, failures: Failures) -> Iterator[Problem]:
    """Compare the host of the chart's URL in the index with that of the repository (source-controller 1.9)."""
    for failure in failures.failed:
        chart = failure.resource
        if chart.kind != "HelmChart" or chart.text("spec.sourceRef.kind") != "HelmRepository":
            continue
        if not any(code in w.message for w in failure.words for code in _REFUSED):
            continue
        repository = cluster.get(Ref("HelmRepository", chart.namespace, chart.text("spec.sourceRef.name")))
        if repository is None or not repository.has("spec.secretRef") or repository.flag("spec.passCredentials"):
            continue
        index_host = _host(repository.text("spec.url"))
        versions = charts.indexes.get(repository.ref, {}).get(chart.text("spec.chart"), ())
        chart_hosts = sorted({h for v in versions for url in v.urls if (h := _host(url)) and h != index_host})
        if chart_hosts:
            facts = {"other": chart_hosts[0], "own": index_host}
            proof = Evidence.field(f"the index at {index_host} lists charts on {chart_hosts[0]}", str(repository.ref))
            yield Problem(repository.ref, facts, (proof,), field="spec.passCredentials",
                          explains=tuple(r for r in (chart.ref, owner(chart)) if r))  # fmt: skip


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0] if "://" in url else ""
