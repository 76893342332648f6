"""A HelmRelease of a library chart, which has nothing to install."""

from collections.abc import Iterator

from fluxdoctor import Charts, Cluster, Evidence, GitTrees, Problem
from fluxdoctor_rules.helm._source import chart_field, charts, pulled


def check(cluster: Cluster, git: GitTrees | None, archives: Charts | None) -> Iterator[Problem]:
    """Read the type in Chart.yaml; on an upgrade Helm 4 does not look at it."""
    for release, chart in charts(cluster, git) if git else ():
        about = chart.about
        if about and about.text("type") == "library":
            place = about.at("type")
            facts = {"chart": about.text("name") or chart.path, "where": f" ({place})" if place else ""}
            proof = Evidence("type: library", str(place))
            yield Problem(release.ref, facts, evidence=(proof,), field=chart_field(release, "chart"))
    for release, packed in pulled(cluster, archives) if archives else ():
        if packed.about.text("type") == "library":
            proof = Evidence("type: library", f"{packed.path}, Chart.yaml")
            facts = {"chart": packed.about.text("name") or packed.path, "where": ""}
            yield Problem(release.ref, facts, evidence=(proof,), field=chart_field(release, "chart"))
