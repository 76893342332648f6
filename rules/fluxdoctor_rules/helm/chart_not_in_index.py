"""A HelmRelease asks for a chart that its HelmRepository does not list."""

import difflib
from collections.abc import Iterator

from fluxdoctor import ChartIndexes, Cluster, Problem
from fluxdoctor_rules.helm._charts import unresolved


def check(cluster: Cluster, charts: ChartIndexes) -> Iterator[Problem]:
    """Look the chart's name up in the index of its HelmRepository."""
    for request in unresolved(cluster):
        listed = charts.charts(request.repository)
        if listed is None or request.chart in listed:
            continue
        close = difflib.get_close_matches(request.chart, listed, 3, 0.6)
        known = close or listed[:8]
        words = f"; the nearest is {', '.join(close)}" if close else f"; it has {', '.join(known) or 'no chart at all'}"
        field = f"{request.field}.chart"
        yield Problem(
            request.subject,
            {"name": request.chart, "repository": str(request.repository), "hint": words, "field": field},
            field=field,
            explains=request.explains,
        )
