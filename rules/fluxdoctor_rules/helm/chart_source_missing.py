"""The chart source of a HelmRelease, or of a HelmChart that no HelmRelease owns, does not exist."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Problem, Reference, Resource, State, Unknown, owner, state
from fluxdoctor_rules.helm._releases import active, complains, generated_chart, hint, templated


def check(cluster: Cluster, graph: Graph) -> Iterator[Problem | Unknown]:
    """Look up spec.chart.spec.sourceRef and spec.chartRef."""
    for consumer in (*active(cluster), *_own_charts(cluster)):
        for reference in graph.needs(consumer.ref, Edge.SOURCE, Edge.CHART_REF):
            source = cluster.look(reference.target)
            if source.absent and not templated(str(reference.target)):
                yield _problem(cluster, consumer, reference)
            elif source.unknown and complains(consumer, "get source", "get Source", "not ready"):
                yield Unknown(consumer.ref, source.why)


def _own_charts(cluster: Cluster) -> Iterator[Resource]:
    for chart in cluster.all("HelmChart"):
        if owner(chart) is None and state(chart) is not State.SUSPENDED:
            yield chart


def _problem(cluster: Cluster, consumer: Resource, reference: Reference) -> Problem:
    correction = hint(cluster, reference.target, "a source that exists")
    field = f"{reference.field}.{'namespace' if correction.elsewhere else 'name'}"
    chart = generated_chart(cluster, consumer)
    return Problem(
        consumer.ref,
        {"wanted": reference.target, "hint": correction.words, "field": field, "value": correction.value},
        field=field,
        explains=(chart.ref,) if chart else (),
        missing=reference.target,
    )
