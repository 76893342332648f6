"""The archive of a chart lacks its dependencies."""

from collections.abc import Iterator

from fluxdoctor import Charts, Cluster, Evidence, Problem, Severity, State, state
from fluxdoctor_rules.helm._source import chart_field, pulled


def check(cluster: Cluster, archives: Charts | None) -> Iterator[Problem]:
    """Compare Chart.yaml with charts/ in the archive: helm-controller 1.6 installs a chart without its dependencies."""
    for release, chart in pulled(cluster, archives) if archives else ():
        if chart.missing:
            names = ", ".join(chart.missing)
            proof = Evidence.file(f"charts/ does not contain {names}", f"{chart.path}, Chart.yaml")
            level = Severity.WARNING if state(release) is State.READY else None
            field = chart_field(release, "version")
            yield Problem(release.ref, {"names": names}, evidence=(proof,), field=field, severity=level)
