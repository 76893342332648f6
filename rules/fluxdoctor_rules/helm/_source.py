"""Charts whose files are known: in a GitRepository, or pulled from a HelmRepository or an OCIRepository."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fluxdoctor import Chart as PulledChart
from fluxdoctor import (
    Charts,
    Cluster,
    Fields,
    GitTrees,
    Ref,
    Resource,
    Tree,
    chart_in_tree,
    chart_in_use,
    clean,
    referred_chart,
)
from fluxdoctor_rules.helm._releases import active, templated

#: A place where a template reads values: .Values.image.tag, $.Values, .Values alone.
_MENTION = re.compile(r"\.Values((?:\.[A-Za-z_]\w*)*)")

Path = tuple[str, ...]


def mentioned(text: str) -> Iterator[Path]:
    """Yield the paths of values that a text reads."""
    for found in _MENTION.finditer(text):
        yield tuple(found[1].split(".")[1:])


@dataclass(frozen=True)
class Chart:
    """A chart directory in a source's tree."""

    tree: Tree
    path: str

    @cached_property
    def about(self) -> Resource | None:
        """Chart.yaml."""
        return self.document("Chart.yaml")

    def document(self, name: str) -> Resource | None:
        """Return the first document of a file of the chart, or None where there is none that can be read."""
        file = posixpath.join(self.path, name)
        documents = self.tree.parsed(file).documents if self.tree.is_file(file) else ()
        return documents[0] if documents else None

    @property
    def values(self) -> Mapping[str, Any]:
        """values.yaml."""
        document = self.document("values.yaml")
        return document.body if document and isinstance(document.body, dict) else {}

    @cached_property
    def dependencies(self) -> tuple[Fields, ...]:
        """The dependencies that Chart.yaml names."""
        return self.about.rows("dependencies") if self.about else ()

    @cached_property
    def templates(self) -> tuple[str, ...]:
        """The template files, those of charts in charts/ too."""
        return tuple(p for p in self.tree.under(self.path) if "/templates/" in f"/{p}")

    @cached_property
    def mentions(self) -> frozenset[Path]:
        """The paths of values that a file of the chart reads; () where one reads all. Default values may hold templates."""
        return frozenset(
            found
            for file in self.tree.under(self.path)
            for found in mentioned(self.tree.text(file).decode("utf-8", "replace"))
        )

    @property
    def is_whole(self) -> bool:
        """Every chart that it depends on is a directory in charts/: nothing unseen reads its values."""
        packed = any(p.endswith(".tgz") for p in self.tree.under(posixpath.join(self.path, "charts")))
        return not packed and all(self.subchart(row.text("name")) for row in self.dependencies)

    def holds(self, name: str) -> bool:
        """Tell whether charts/ has a directory of that name."""
        return self.tree.is_directory(posixpath.join(self.path, "charts", name))

    def subchart(self, name: str) -> "Chart | None":
        """Return a dependency that is there as a directory."""
        path = posixpath.join(self.path, "charts", name)
        return Chart(self.tree, path) if self.tree.is_file(posixpath.join(path, "Chart.yaml")) else None


@dataclass(frozen=True)
class Archived:
    """A chart that was pulled, with what the rules ask of one in git."""

    chart: PulledChart

    @property
    def path(self) -> str:
        """What to call it."""
        return f"{self.chart.name} {self.chart.version}"

    @property
    def about(self) -> Fields:
        """Chart.yaml."""
        return self.chart.metadata

    @property
    def values(self) -> Mapping[str, Any]:
        """values.yaml."""
        return self.chart.values

    @property
    def dependencies(self) -> tuple[Fields, ...]:
        """The dependencies that Chart.yaml names."""
        return self.chart.metadata.rows("dependencies")

    @cached_property
    def mentions(self) -> frozenset[Path]:
        """The paths of values that a file of the chart, or of a chart in it, reads; () where one reads all."""
        texts = tuple(_texts(self.chart))
        # Files beside the templates are not kept: what a template reads through .Files may read any value.
        hidden = any(".Files." in text for text in texts)
        return frozenset(p for text in texts for p in mentioned(text)) | ({()} if hidden else set())

    @property
    def missing(self) -> tuple[str, ...]:
        """The dependencies that are not in the archive."""
        return tuple(n for n in (r.text("name") for r in self.dependencies) if n and not self.holds(n))

    @property
    def is_whole(self) -> bool:
        """Every chart that it depends on is in the archive."""
        return not self.missing

    def holds(self, name: str) -> bool:
        """Tell whether the archive has a chart of that name."""
        return any(c.name == name for c in self.chart.subcharts)

    def subchart(self, name: str) -> "Archived | None":
        """Return a dependency that is there."""
        return next((Archived(c) for c in self.chart.subcharts if c.name == name), None)


def _texts(chart: PulledChart) -> Iterator[str]:
    for content in chart.files.values():
        yield content.decode("utf-8", "replace")
    for below in chart.subcharts:
        yield from _texts(below)


def pulled(cluster: Cluster, archives: Charts) -> Iterator[tuple[Resource, Archived]]:
    """Yield the releases whose chart was pulled from a HelmRepository or an OCIRepository in the version in use, with it."""
    known: dict[int, Archived] = {}
    for release, which in cluster.once("charts in use", _in_use):
        if found := archives.chart(*which):
            yield release, known.setdefault(id(found), Archived(found))


def _in_use(cluster: Cluster) -> Sequence[tuple[Resource, tuple[Ref, str, str]]]:
    return [(release, which) for release in active(cluster) if (which := chart_in_use(release, cluster))]


def chart_spec(cluster: Cluster, release: Resource) -> Fields:
    """Return what says which chart it is: spec.chart.spec, or the spec of the HelmChart that spec.chartRef names."""
    made = referred_chart(release, cluster)
    return made.fields("spec") if made and made.kind == "HelmChart" else release.fields("spec.chart.spec")


def chart_field(release: Resource, field: str) -> str:
    """Return the field of a release that chooses its chart: one of spec.chart.spec, or spec.chartRef."""
    return "spec.chartRef.name" if release.has("spec.chartRef") else f"spec.chart.spec.{field}"


def charts(cluster: Cluster, git: GitTrees) -> Iterator[tuple[Resource, Chart]]:
    """Yield the releases whose chart is a directory of a GitRepository, with it."""
    known: dict[tuple[Ref, str], Chart] = {}
    for release, source, path in cluster.once("charts in git", _in_git):
        tree = git.tree(source)
        if tree and tree.is_file(posixpath.join(clean(path), "Chart.yaml")):
            # Many releases of one chart read its files once.
            chart = known.setdefault((source, clean(path)), Chart(tree, clean(path)))
            yield release, chart


def _in_git(cluster: Cluster) -> Sequence[tuple[Resource, Ref, str]]:
    found = ((release, chart_in_tree(release, cluster)) for release in active(cluster))
    return [(release, *chart) for release, chart in found if chart and not templated(chart[1])]
