"""The charts that are asked of HelmRepositories and are not there yet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fluxdoctor import Cluster, Ref, Resource, State, owner, state
from fluxdoctor_rules.helm._releases import active, chart_source, generated_chart, templated


@dataclass(frozen=True)
class Request:
    """A chart and version that an object asks of a HelmRepository; ``field`` holds them."""

    subject: Ref
    repository: Ref
    chart: str
    version: str
    field: str
    explains: tuple[Ref, ...] = ()


def unresolved(cluster: Cluster) -> Sequence[Request]:
    """Return the charts of HelmRepositories that are not ready: what was pulled is not judged by today's index."""
    return cluster.once("unresolved charts", lambda seen: (*_of_releases(seen), *_own(seen)))


def _of_releases(cluster: Cluster) -> Iterator[Request]:
    for release in active(cluster):
        made = generated_chart(cluster, release)
        waits = state(made or release) is not State.READY and (made is None or state(made) is not State.SUSPENDED)
        if not waits:
            continue
        source, spec = chart_source(release), release.fields("spec.chart.spec")
        if _indexed(cluster, source) and not templated(spec.text("chart") + spec.text("version")):
            explains = (made.ref,) if made else ()
            yield Request(
                release.ref,
                source,
                spec.text("chart"),
                spec.text("version") or "*",
                "spec.chart.spec",
                explains,
            )


def _own(cluster: Cluster) -> Iterator[Request]:
    for chart in cluster.all("HelmChart"):
        if state(chart) is not State.FAILED or owner(chart) is not None:
            continue
        source = Ref(chart.text("spec.sourceRef.kind"), chart.namespace, chart.text("spec.sourceRef.name"))
        if _indexed(cluster, source):
            yield Request(chart.ref, source, chart.text("spec.chart"), chart.text("spec.version") or "*", "spec")


def _indexed(cluster: Cluster, source: Ref) -> bool:
    """A repository that fails or is suspended is the deeper cause: the controller works with an old index, or none.

    One of type oci has no state: its registry is asked for each chart.
    """
    repository: Resource | None = cluster.get(source)
    usable = (State.READY, State.NEW, State.STATIC)
    return source.kind == "HelmRepository" and repository is not None and state(repository) in usable
