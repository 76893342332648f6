"""Validates the values of HelmReleases against the schemas of charts in the repository itself."""

from __future__ import annotations

import posixpath

from fluxdoctor.collect.charts import chart_archive, verdicts
from fluxdoctor.model.charts import Chart, Charts, in_tree
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.tree import Tree, clean
from fluxdoctor.repository.build.substitute import unknown
from fluxdoctor.repository.follow.cluster_contents import ClusterContents

_CHART_FILES = ("Chart.yaml", "values.yaml", "values.schema.json")


def verdicts_of(contents: ClusterContents, cluster: Cluster) -> Charts | None:
    """Return the verdicts of the schemas of a cluster's charts; None if no chart of the repository has a verdict."""
    requests: dict[Ref, verdicts.PartialChart] = {}
    charts: dict[tuple[Ref, str], verdicts.PartialChart | None] = {}
    for release in verdicts.untried(cluster):
        location = in_tree(release, cluster)
        tree = contents.trees.get(location[0]) if location else None
        if location is None or tree is None or release.ref in contents.raw or unknown(location[1]):
            continue
        if location not in charts:
            charts[location] = _read_chart(tree, clean(location[1]))
        if chart := charts[location]:
            requests[release.ref] = chart
    results = verdicts.of(cluster, requests) if requests else {}
    return Charts(verdicts=results) if results else None


def _read_chart(tree: Tree, folder: str) -> verdicts.PartialChart | None:
    """Read the chart in a folder; None if the folder is not a chart or has no schema."""
    prefix = f"{folder}/" if folder else ""
    paths = tree.under(folder) if tree.is_file(f"{prefix}Chart.yaml") else ()
    if not any(posixpath.basename(p) == "values.schema.json" for p in paths):
        return None
    files = {p.removeprefix(prefix): tree.text(p) for p in paths if posixpath.basename(p) in _CHART_FILES}
    try:
        chart = chart_archive.unpacked(files)
    except chart_archive.ChartError:
        return None
    has_archive = any(p.startswith(f"{prefix}charts/") and p.endswith((".tgz", ".tar.gz")) for p in paths)
    return verdicts.PartialChart(chart, _unknown_defaults(chart, has_archive=has_archive))


def _unknown_defaults(chart: Chart, *, has_archive: bool) -> str:
    """Return why some default values of a chart are unknown, or "".

    source-controller 1.9 fetches the dependencies that are not in charts/. A symbolic link is not a file here.
    """
    subcharts = {sub.name for sub in chart.subcharts}
    dependencies = {row.text("name") for row in chart.metadata.rows("dependencies")}
    if missing := sorted(dependencies - subcharts):
        return f"its dependency {missing[0]} is not in this repository"
    if has_archive:
        return "an archive in its charts/ was not read"
    defaults = chart.files.get("values.yaml")
    if defaults is None or (defaults.strip() and not chart.values):
        return "its values.yaml was not read"
    return ""
