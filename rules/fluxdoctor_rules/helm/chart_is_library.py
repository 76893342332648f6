"""A HelmRelease of a library chart, which has nothing to install."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, GitTrees, Problem
from fluxdoctor_rules.helm._source import charts


def check(cluster: Cluster, git: GitTrees) -> Iterator[Problem]:
    """Read the type in Chart.yaml; on an upgrade Helm 4 does not look at it."""
    for release, chart in charts(cluster, git):
        about = chart.about
        if about and about.text("type") == "library":
            place = about.at("type")
            facts = {"chart": about.text("name") or chart.path, "where": f" ({place})" if place else ""}
            proof = Evidence("type: library", str(place))
            yield Problem(release.ref, facts, evidence=(proof,), field="spec.chart.spec.chart")
