"""Helm charts that were pulled, and what their schemas say of the values that HelmReleases give them."""

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

#: A chart in a repository: the HelmRepository, the chart's name and its version; or an OCIRepository that is a chart, "" and
#: the revision of its artifact (``tag@sha256:digest``).
Archive = tuple[Ref, str, str]


@dataclass(frozen=True)
class Chart:
    """What a chart's archive says. ``files``: what was kept of it, by path below the chart, subcharts included."""

    name: str
    version: str
    metadata: Fields = field(default_factory=Fields, repr=False)
    """Chart.yaml."""
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    schema: str = field(default="", repr=False)
    """The text of values.schema.json, "" where the chart has none."""
    templates: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Path below templates/ -> text."""
    subcharts: tuple[Chart, ...] = field(default=(), repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    digest: str = ""
    """The sha256 of the archive as a Helm repository served it, 64 small hex digits; "" where that is not known."""


@dataclass(frozen=True, slots=True)
class ValuesFlaw:
    """One thing that a schema refuses: where in the merged values, and why. ``chart``: whose schema it is."""

    chart: str
    path: tuple[str | int, ...]
    problem: str

    def __str__(self) -> str:
        return f"at '{''.join(f'/{part}' for part in self.path)}': {self.problem}"


@dataclass(frozen=True, slots=True)
class ValuesVerdict:
    """What the schemas of a chart say of a release's values: flaws, none, or why that is not known."""

    flaws: tuple[ValuesFlaw, ...] = ()
    why: str = ""


class Charts:
    """The charts that were pulled, and the verdicts of their schemas."""

    def __init__(
        self, archives: Mapping[Archive, Chart] | None = None, verdicts: Mapping[Ref, ValuesVerdict] | None = None
    ) -> None:
        """``verdicts`` by HelmRelease."""
        self.archives = dict(archives or {})
        self.verdicts = dict(verdicts or {})

    def chart(self, repository: Ref, name: str, version: str) -> Chart | None:
        """Return a chart; None when it was not pulled."""
        return self.archives.get((repository, name, version))

    def verdict(self, release: Ref) -> ValuesVerdict | None:
        """Return what the schemas say of a release's values; None where none was asked."""
        return self.verdicts.get(release)


@dataclass(frozen=True, slots=True)
class UsedChart:
    """An archive that source-controller holds as it was served: for which HelmChart, its sha256, and since when."""

    chart: Ref
    archive: Archive
    digest: str
    since: datetime | None


def used_charts(cluster: Cluster) -> Iterator[UsedChart]:
    """Yield the archives of HelmCharts that are the very bytes that a HelmRepository served.

    source-controller stores what it downloads as it is, but packs it anew for valuesFiles; a registry's chart has no digest
    in an index. The digest of an artifact is a sha256 unless ``--artifact-digest-algo`` says otherwise (source-controller
    1.9, internal/helm/chart/builder_remote.go).
    """
    for chart in cluster.all("HelmChart"):
        repository = Ref(chart.text("spec.sourceRef.kind"), chart.namespace, chart.text("spec.sourceRef.name"))
        source = cluster.get(repository)
        digest = sha256(chart.text("status.artifact.digest"))
        told = chart.number("status.observedGeneration", -1) == chart.number("metadata.generation", -1)
        if repository.kind != "HelmRepository" or source is None or flux.is_oci_helm_repository(source):
            continue
        if digest and told and not chart.get("spec.valuesFiles") and not chart.get("spec.valuesFile"):
            which = (repository, chart.text("spec.chart"), chart.text("status.artifact.revision"))
            yield UsedChart(chart.ref, which, digest, moment(chart.text("status.artifact.lastUpdateTime")))


def referred(release: Resource, cluster: Cluster) -> Resource | None:
    """Return the OCIRepository or HelmChart that spec.chartRef names, if it was seen."""
    if not release.has("spec.chartRef"):
        return None
    return next((cluster.get(r.target) for r in flux.references(release) if r.edge is Edge.CHART_REF), None)


def in_tree(release: Resource, cluster: Cluster) -> tuple[Ref, str] | None:
    """Return the GitRepository that holds the chart of a HelmRelease and its path there; None for any other chart."""
    if release.has("spec.chartRef"):
        found = referred(release, cluster)
        if found is None or found.kind != "HelmChart":
            return None
        spec, namespace = found.fields("spec"), found.namespace
    else:
        spec, namespace = release.fields("spec.chart.spec"), release.namespace
    ref = spec.fields("sourceRef")
    source = Ref(ref.text("kind"), ref.text("namespace") or namespace, ref.text("name"))
    return (source, spec.text("chart")) if source.kind == "GitRepository" and spec.text("chart") else None


def in_use(release: Resource, cluster: Cluster) -> Archive | None:
    """Return the chart of a HelmRelease, in the version that its object has now, or that spec.chart pins.

    None for one from a GitRepository or Bucket, and where the version is not known (helm-controller 1.6).
    """
    if release.has("spec.chartRef"):
        return _of_reference(release, cluster)
    spec = release.fields("spec.chart.spec")
    ref = spec.fields("sourceRef")
    repository = Ref(ref.text("kind"), ref.text("namespace") or release.namespace, ref.text("name"))
    if repository.kind != "HelmRepository" or not spec.text("chart"):
        return None
    made = flux.helm_chart(release)
    chart = cluster.get(made) if made else None
    ready = chart is not None and flux.state(chart) is State.READY
    version = chart.text("status.artifact.revision") if chart and ready else spec.text("version")
    return (repository, spec.text("chart"), version) if version else None


def _of_reference(release: Resource, cluster: Cluster) -> Archive | None:
    found = referred(release, cluster)
    revision = found.text("status.artifact.revision") if found and flux.state(found) is State.READY else ""
    if not found or not revision:
        return None
    if found.kind == "OCIRepository":
        return (found.ref, "", revision)
    repository = Ref(found.text("spec.sourceRef.kind"), found.namespace, found.text("spec.sourceRef.name"))
    named = found.kind == "HelmChart" and repository.kind == "HelmRepository" and found.text("spec.chart")
    return (repository, named, revision) if named else None
