"""A HelmRelease refers to a chart that its HelmRepository does not list."""

from collections.abc import Iterator

from fluxdoctor import ChartIndexes, Cluster, Problem, did_you_mean
from fluxdoctor_rules.helm._charts import unresolved

_LISTED = 8


def check(cluster: Cluster, charts: ChartIndexes) -> Iterator[Problem]:
    """Look up the name of the chart in the index of its HelmRepository."""
    for request in unresolved(cluster):
        names = charts.charts(request.repository)
        if names is None or request.chart in names:
            continue
        offers = f"; it offers {', '.join(names[:_LISTED])}" if names else "; its index is empty"
        facts = {
            "name": request.chart,
            "repository": str(request.repository),
            "hint": did_you_mean(request.chart, names) or offers,
            "field": f"{request.field}.chart",
        }
        yield Problem(request.subject, facts, field=facts["field"], explains=request.explains)
