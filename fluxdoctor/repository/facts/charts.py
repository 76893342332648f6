"""Charts that stand in the repository itself, and what their schemas say of the values that its HelmReleases give them."""

from __future__ import annotations

import posixpath

from fluxdoctor.collect.charts import chart_archive, verdicts
from fluxdoctor.model.charts import Chart, Charts, in_tree
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.tree import Tree, clean
from fluxdoctor.repository.build.substitute import unknown
from fluxdoctor.repository.follow.cluster_contents import ClusterContents

_READ = ("Chart.yaml", "values.yaml", "values.schema.json")


def judged(reached: ClusterContents, cluster: Cluster) -> Charts | None:
    """Return the verdicts of the schemas of a cluster's charts; None where no chart of the repository has one to ask."""
    asked: dict[Ref, verdicts.PartialChart] = {}
    known: dict[tuple[Ref, str], verdicts.PartialChart | None] = {}
    for release in verdicts.untried(cluster):
        where = in_tree(release, cluster)
        tree = reached.trees.get(where[0]) if where else None
        if where is None or tree is None or release.ref in reached.raw or unknown(where[1]):
            continue
        if where not in known:
            known[where] = _read(tree, clean(where[1]))
        if chart := known[where]:
            asked[release.ref] = chart
    found = verdicts.of(cluster, asked) if asked else {}
    return Charts(verdicts=found) if found else None


def _read(tree: Tree, folder: str) -> verdicts.PartialChart | None:
    """Read what a schema is asked with; None where the folder is no chart, or has no schema."""
    prefix = f"{folder}/" if folder else ""
    held = tree.under(folder) if tree.is_file(f"{prefix}Chart.yaml") else ()
    if not any(posixpath.basename(p) == "values.schema.json" for p in held):
        return None
    files = {p.removeprefix(prefix): tree.text(p) for p in held if posixpath.basename(p) in _READ}
    try:
        chart = chart_archive.unpacked(files)
    except chart_archive.ChartError:
        return None
    packed = any(p.startswith(f"{prefix}charts/") and p.endswith((".tgz", ".tar.gz")) for p in held)
    return verdicts.PartialChart(chart, _unseen(chart, packed=packed))


def _unseen(chart: Chart, *, packed: bool) -> str:
    """Return why the chart's default values are not all known.

    source-controller 1.9 fetches the dependencies that are not in charts/; a link is no file here.
    """
    inside = {sub.name for sub in chart.subcharts}
    wanted = {row.text("name") for row in chart.metadata.rows("dependencies")}
    if missing := sorted(wanted - inside):
        return f"chart {missing[0]}, on which it depends, is not in this repository"
    if packed:
        return "an archive in its charts/ was not read"
    defaults = chart.files.get("values.yaml")
    if defaults is None or (defaults.strip() and not chart.values):
        return "its values.yaml was not read"
    return ""
