"""Charts whose files are available: from a GitRepository, or pulled from a HelmRepository or an OCIRepository."""

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
from fluxdoctor_rules.helm._releases import templated

#: A reference to values in a template: .Values.image.tag, $.Values, .Values alone.
_MENTION = re.compile(r"\.Values((?:\.[A-Za-z_]\w*)*)")

Path = tuple[str, ...]


def mentioned(text: str) -> Iterator[Path]:
    """Yield the paths of values that a text reads."""
    for match in _MENTION.finditer(text):
        yield tuple(match[1].split(".")[1:])


@dataclass(frozen=True)
class Chart:
    """A chart directory in the tree of a GitRepository."""

    tree: Tree
    path: str

    @cached_property
    def about(self) -> Resource | None:
        """Chart.yaml."""
        return self.document("Chart.yaml")

    def document(self, name: str) -> Resource | None:
        """Return the first document of a file of the chart; None if the file does not exist or cannot be parsed."""
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
        """The template files, including those of subcharts in charts/."""
        return tuple(p for p in self.tree.under(self.path) if "/templates/" in f"/{p}")

    @cached_property
    def mentions(self) -> frozenset[Path]:
        """The paths of values that the chart's files read; () stands for all values.

        All files count, as default values can contain templates too.
        """
        return frozenset(
            path
            for file in self.tree.under(self.path)
            for path in mentioned(self.tree.text(file).decode("utf-8", "replace"))
        )

    @property
    def is_whole(self) -> bool:
        """Every dependency is a directory in charts/, so all templates that read the values are available."""
        has_archives = any(p.endswith(".tgz") for p in self.tree.under(posixpath.join(self.path, "charts")))
        return not has_archives and all(self.subchart(row.text("name")) for row in self.dependencies)

    def holds(self, name: str) -> bool:
        """Tell whether charts/ has a directory of that name."""
        return self.tree.is_directory(posixpath.join(self.path, "charts", name))

    def subchart(self, name: str) -> "Chart | None":
        """Return a dependency that is a directory in charts/; None if it is not."""
        path = posixpath.join(self.path, "charts", name)
        return Chart(self.tree, path) if self.tree.is_file(posixpath.join(path, "Chart.yaml")) else None


@dataclass(frozen=True)
class Archived:
    """A pulled chart, with the interface of a chart in git."""

    chart: PulledChart

    @property
    def path(self) -> str:
        """The chart's name and version, for messages."""
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
        """The paths of values that the files of the chart and its subcharts read; () stands for all values."""
        texts = tuple(_texts(self.chart))
        # Only templates are available: a file that a template reads through .Files can read any value.
        reads_files = any(".Files." in text for text in texts)
        return frozenset(path for text in texts for path in mentioned(text)) | ({()} if reads_files else set())

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of the dependencies that are not in the archive."""
        return tuple(n for n in (r.text("name") for r in self.dependencies) if n and not self.holds(n))

    @property
    def is_whole(self) -> bool:
        """Every dependency is in the archive."""
        return not self.missing

    def holds(self, name: str) -> bool:
        """Tell whether the archive has a chart of that name."""
        return any(c.name == name for c in self.chart.subcharts)

    def subchart(self, name: str) -> "Archived | None":
        """Return a dependency from the archive; None if it is missing."""
        return next((Archived(c) for c in self.chart.subcharts if c.name == name), None)


def _texts(chart: PulledChart) -> Iterator[str]:
    for content in chart.files.values():
        yield content.decode("utf-8", "replace")
    for below in chart.subcharts:
        yield from _texts(below)


def pulled(cluster: Cluster, archives: Charts) -> Iterator[tuple[Resource, Archived]]:
    """Yield releases with their chart, if its current version was pulled from a HelmRepository or an OCIRepository."""
    wrappers: dict[int, Archived] = {}
    for release, archive in cluster.memo(_in_use):
        if chart := archives.chart(*archive):
            yield release, wrappers.setdefault(id(chart), Archived(chart))


def _in_use(cluster: Cluster) -> Sequence[tuple[Resource, tuple[Ref, str, str]]]:
    return [
        (release, archive) for release in cluster.active("HelmRelease") if (archive := chart_in_use(release, cluster))
    ]


def chart_spec(cluster: Cluster, release: Resource) -> Fields:
    """Return the fields that select the chart: spec.chart.spec, or the spec of the HelmChart in spec.chartRef."""
    chart = referred_chart(release, cluster)
    return chart.fields("spec") if chart and chart.kind == "HelmChart" else release.fields("spec.chart.spec")


def chart_field(release: Resource, field: str) -> str:
    """Return the field of a release that selects its chart: one of spec.chart.spec, or spec.chartRef."""
    return "spec.chartRef.name" if release.has("spec.chartRef") else f"spec.chart.spec.{field}"


def charts(cluster: Cluster, git: GitTrees) -> Iterator[tuple[Resource, Chart]]:
    """Yield releases with their chart, if it is a directory in a GitRepository."""
    directories: dict[tuple[Ref, str], Chart] = {}
    for release, source, path in cluster.memo(_in_git):
        tree = git.tree(source)
        if tree and tree.is_file(posixpath.join(clean(path), "Chart.yaml")):
            # Shared, so that many releases of one chart read its files once.
            chart = directories.setdefault((source, clean(path)), Chart(tree, clean(path)))
            yield release, chart


def _in_git(cluster: Cluster) -> Sequence[tuple[Resource, Ref, str]]:
    charts_in_git = ((release, chart_in_tree(release, cluster)) for release in cluster.active("HelmRelease"))
    return [(release, *chart) for release, chart in charts_in_git if chart and not templated(chart[1])]
