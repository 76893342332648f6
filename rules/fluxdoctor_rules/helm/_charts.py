"""The charts that HelmRepositories still have to provide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fluxdoctor import Cluster, Ref, Resource, State, is_suspended, owner, state
from fluxdoctor_rules.helm._releases import chart_source, generated_chart, templated


@dataclass(frozen=True)
class Request:
    """A chart and version that an object takes from a HelmRepository; ``field`` is the field that sets them."""

    subject: Ref
    repository: Ref
    chart: str
    version: str
    field: str
    explains: tuple[Ref, ...] = ()


def unresolved(cluster: Cluster) -> Sequence[Request]:
    """Return the charts of HelmRepositories that are not ready; the current index says nothing about a pulled chart."""
    return cluster.memo(_unresolved)


def _unresolved(cluster: Cluster) -> tuple[Request, ...]:
    return (*_of_releases(cluster), *_of_charts(cluster))


def _of_releases(cluster: Cluster) -> Iterator[Request]:
    for release in cluster.active("HelmRelease"):
        helm_chart = generated_chart(cluster, release)
        if state(helm_chart or release) is State.READY or (helm_chart and is_suspended(helm_chart)):
            continue
        source, spec = chart_source(release), release.fields("spec.chart.spec")
        if _indexed(cluster, source) and not templated(spec.text("chart") + spec.text("version")):
            explains = (helm_chart.ref,) if helm_chart else ()
            yield Request(
                release.ref,
                source,
                spec.text("chart"),
                spec.text("version") or "*",
                "spec.chart.spec",
                explains,
            )


def _of_charts(cluster: Cluster) -> Iterator[Request]:
    """Yield the requests of HelmCharts that no HelmRelease owns."""
    for chart in cluster.active("HelmChart"):
        if state(chart) is not State.FAILED or owner(chart) is not None:
            continue
        source = Ref(chart.text("spec.sourceRef.kind"), chart.namespace, chart.text("spec.sourceRef.name"))
        if _indexed(cluster, source):
            yield Request(chart.ref, source, chart.text("spec.chart"), chart.text("spec.version") or "*", "spec")


def _indexed(cluster: Cluster, source: Ref) -> bool:
    """Tell whether the index of a source is current.

    If a repository fails or is suspended, that is the cause: the controller has an old index or none. A repository of
    type oci has no status; source-controller queries the registry for each chart.
    """
    repository: Resource | None = cluster.get(source)
    usable = (State.READY, State.NEW, State.STATIC)
    return source.kind == "HelmRepository" and repository is not None and state(repository) in usable
