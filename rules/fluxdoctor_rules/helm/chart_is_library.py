"""The chart of a HelmRelease is a library chart, which has nothing to install."""

from collections.abc import Iterator

from fluxdoctor import Charts, Cluster, Evidence, GitTrees, Problem
from fluxdoctor_rules.helm._source import chart_field, charts, pulled


def check(cluster: Cluster, git: GitTrees | None, archives: Charts | None) -> Iterator[Problem]:
    """Read the type in Chart.yaml; Helm 4 ignores it on an upgrade."""
    for release, chart in charts(cluster, git) if git else ():
        metadata = chart.about
        if metadata and metadata.text("type") == "library":
            location = metadata.at("type")
            facts = {"chart": metadata.text("name") or chart.path, "where": f" ({location})" if location else ""}
            proof = Evidence.file("type: library", str(location))
            yield Problem(release.ref, facts, evidence=(proof,), field=chart_field(release, "chart"))
    for release, archived in pulled(cluster, archives) if archives else ():
        if archived.about.text("type") == "library":
            proof = Evidence.file("type: library", f"{archived.path}, Chart.yaml")
            facts = {"chart": archived.about.text("name") or archived.path, "where": ""}
            yield Problem(release.ref, facts, evidence=(proof,), field=chart_field(release, "chart"))
