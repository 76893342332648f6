"""The Helm charts that were pulled, and the verdict of their schemas on the values of HelmReleases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fluxdoctor.model import flux
from fluxdoctor.model.chart_indexes import sha256
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.flux import Edge, State
from fluxdoctor.model.resource import Fields, Ref, Resource
from fluxdoctor.model.times import moment

#: The identity of a chart archive: a HelmRepository, the chart's name and its version; or the OCIRepository of a chart, ""
#: and the revision of its artifact (``tag@sha256:digest``).
Archive = tuple[Ref, str, str]


@dataclass(frozen=True)
class Chart:
    """The content of a chart archive. ``files``: the files that were kept, by path below the chart, including subcharts."""

    name: str
    version: str
    metadata: Fields = field(default_factory=Fields, repr=False)
    """Chart.yaml."""
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    schema: str = field(default="", repr=False)
    """The text of values.schema.json, "" if the chart has none."""
    templates: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Path below templates/ -> text."""
    subcharts: tuple[Chart, ...] = field(default=(), repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    digest: str = ""
    """The sha256 of the archive as a Helm repository served it, 64 lower-case hex digits; "" if it is unknown."""


@dataclass(frozen=True, slots=True)
class ValuesFlaw:
    """A value that a schema rejects: its path in the merged values, and why. ``chart``: the chart of the schema."""

    chart: str
    path: tuple[str | int, ...]
    problem: str

    def __str__(self) -> str:
        return f"at '{''.join(f'/{part}' for part in self.path)}': {self.problem}"


@dataclass(frozen=True, slots=True)
class ValuesVerdict:
    """The result of validating a release's values against the schemas of its chart.

    ``why``: the reason if they could not be validated, else "".
    """

    flaws: tuple[ValuesFlaw, ...] = ()
    why: str = ""


class Charts:
    """The charts that were pulled, and the verdicts of their schemas."""

    def __init__(
        self, archives: Mapping[Archive, Chart] | None = None, verdicts: Mapping[Ref, ValuesVerdict] | None = None
    ) -> None:
        """``archives`` by identity, ``verdicts`` by HelmRelease."""
        self.archives = dict(archives or {})
        self.verdicts = dict(verdicts or {})

    def chart(self, repository: Ref, name: str, version: str) -> Chart | None:
        """Return a chart; None if it was not pulled."""
        return self.archives.get((repository, name, version))

    def verdict(self, release: Ref) -> ValuesVerdict | None:
        """Return the verdict on a release's values; None if they were not validated."""
        return self.verdicts.get(release)


@dataclass(frozen=True, slots=True)
class UsedChart:
    """An archive that source-controller stores unchanged: its HelmChart, its sha256, and since when it is stored."""

    chart: Ref
    archive: Archive
    digest: str
    since: datetime | None


def used_charts(cluster: Cluster) -> Iterator[UsedChart]:
    """Yield the artifacts of HelmCharts that are exactly the bytes that a HelmRepository served.

    source-controller stores a download unchanged, but repackages it if there are valuesFiles. A chart from a registry has no
    digest in an index. The digest of an artifact is a sha256 unless ``--artifact-digest-algo`` says otherwise
    (source-controller 1.9, internal/helm/chart/builder_remote.go).
    """
    for chart in cluster.all("HelmChart"):
        repository = Ref(chart.text("spec.sourceRef.kind"), chart.namespace, chart.text("spec.sourceRef.name"))
        source = cluster.get(repository)
        digest = sha256(chart.text("status.artifact.digest"))
        is_current = chart.number("status.observedGeneration", -1) == chart.number("metadata.generation", -1)
        if repository.kind != "HelmRepository" or source is None or flux.is_oci_helm_repository(source):
            continue
        if digest and is_current and not chart.get("spec.valuesFiles") and not chart.get("spec.valuesFile"):
            archive = (repository, chart.text("spec.chart"), chart.text("status.artifact.revision"))
            yield UsedChart(chart.ref, archive, digest, moment(chart.text("status.artifact.lastUpdateTime")))


def referred(release: Resource, cluster: Cluster) -> Resource | None:
    """Return the OCIRepository or HelmChart that spec.chartRef names, if it was read."""
    if not release.has("spec.chartRef"):
        return None
    return next((cluster.get(r.target) for r in flux.references(release) if r.edge is Edge.CHART_REF), None)


def in_tree(release: Resource, cluster: Cluster) -> tuple[Ref, str] | None:
    """Return the GitRepository of the chart of a HelmRelease and the chart's path in it; None for any other chart."""
    if release.has("spec.chartRef"):
        chart = referred(release, cluster)
        if chart is None or chart.kind != "HelmChart":
            return None
        spec, namespace = chart.fields("spec"), chart.namespace
    else:
        spec, namespace = release.fields("spec.chart.spec"), release.namespace
    ref = spec.fields("sourceRef")
    source = Ref(ref.text("kind"), ref.text("namespace") or namespace, ref.text("name"))
    return (source, spec.text("chart")) if source.kind == "GitRepository" and spec.text("chart") else None


def in_use(release: Resource, cluster: Cluster) -> Archive | None:
    """Return the chart of a HelmRelease, in the version of its HelmChart's artifact, or the one that spec.chart pins.

    None for a chart from a GitRepository or Bucket, and if the version is unknown (helm-controller 1.6).
    """
    if release.has("spec.chartRef"):
        return _of_reference(release, cluster)
    spec = release.fields("spec.chart.spec")
    ref = spec.fields("sourceRef")
    repository = Ref(ref.text("kind"), ref.text("namespace") or release.namespace, ref.text("name"))
    if repository.kind != "HelmRepository" or not spec.text("chart"):
        return None
    chart_ref = flux.helm_chart(release)
    chart = cluster.get(chart_ref) if chart_ref else None
    is_ready = chart is not None and flux.state(chart) is State.READY
    version = chart.text("status.artifact.revision") if chart and is_ready else spec.text("version")
    return (repository, spec.text("chart"), version) if version else None


def _of_reference(release: Resource, cluster: Cluster) -> Archive | None:
    chart = referred(release, cluster)
    revision = chart.text("status.artifact.revision") if chart and flux.state(chart) is State.READY else ""
    if not chart or not revision:
        return None
    if chart.kind == "OCIRepository":
        return (chart.ref, "", revision)
    repository = Ref(chart.text("spec.sourceRef.kind"), chart.namespace, chart.text("spec.sourceRef.name"))
    name = chart.kind == "HelmChart" and repository.kind == "HelmRepository" and chart.text("spec.chart")
    return (repository, name, revision) if name else None
