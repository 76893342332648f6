"""The chart source of a HelmRelease, or of a HelmChart that no HelmRelease owns, does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Problem, Resource, Unknown, missing, owner
from fluxdoctor_rules.helm import _references
from fluxdoctor_rules.helm._releases import generated_chart

_KINDS = ("HelmChart", "HelmRelease")


def check(cluster: Cluster) -> Iterator[Problem | Unknown]:
    """Look up spec.chart.spec.sourceRef and spec.chartRef."""
    edges = (Edge.SOURCE, Edge.CHART_REF)
    for result in _references.missing_of(cluster, *edges, kinds=_KINDS, only=_is_independent):
        yield result if isinstance(result, Unknown) else _problem(cluster, result)


def _is_independent(resource: Resource) -> bool:
    """Tell whether an object is not the HelmChart of a HelmRelease, which refers to the same source."""
    return resource.kind == "HelmRelease" or owner(resource) is None


def _problem(cluster: Cluster, result: missing.Missing) -> Problem:
    correction = _references.correction(result, "a source that exists")
    chart = generated_chart(cluster, result.owner)
    return result.problem(
        {"wanted": result.target, **correction}, field=correction["field"], explains=(chart.ref,) if chart else ()
    )
