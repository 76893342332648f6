"""A chart in git has changed under the same version: source-controller packages it by its version."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, GitTrees, Problem, Ref, Resource, owner
from fluxdoctor_rules.helm._releases import generated_chart
from fluxdoctor_rules.helm._source import Chart, charts


def check(cluster: Cluster, git: GitTrees) -> Iterator[Problem]:
    """Compare what git has with what was released under that version: the appVersion, and templates without any action."""
    for release, chart in charts(cluster, git):
        last = release.fields("status.history.0")
        about, made = chart.about, generated_chart(cluster, release)
        strategy = release.text("spec.chart.spec.reconcileStrategy", "ChartVersion")
        if about is None or last.text("status") != "deployed" or strategy != "ChartVersion":
            continue
        # A HelmChart that has not taken the source's present revision yet may still do so.
        source = cluster.get(Ref("GitRepository", made.namespace, made.text("spec.sourceRef.name"))) if made else None
        seen = made.text("status.observedSourceArtifactRevision") if made else ""
        current = source is not None and seen == source.text("status.artifact.revision")
        same = about.text("version") == last.text("chartVersion").partition("+")[0]
        if current and same and (found := next(_differences(release, chart, about, cluster), "")):
            facts = {
                "chart": f"./{chart.path}",
                "version": about.text("version"),
                "difference": found,
                "file": f"{chart.path}/Chart.yaml",
            }
            proof = Evidence(
                f"{chart.path}/Chart.yaml still says version {about.text('version')}", str(source.ref if source else "")
            )
            yield Problem(
                release.ref,
                facts,
                evidence=(proof,),
                field="spec.chart.spec.reconcileStrategy",
                location=about.at("version"),
            )


def _differences(release: Resource, chart: Chart, about: Resource, cluster: Cluster) -> Iterator[str]:
    wanted, have = about.text("appVersion"), release.text("status.history.0.appVersion")
    if wanted and have and wanted != have:
        yield f"its appVersion is {wanted} in git, and {have} in the release"
    for file in chart.templates:
        if b"{{" in chart.tree.text(file) or "/charts/" in f"/{file.removeprefix(chart.path)}":
            continue
        for declared in chart.tree.parsed(file).documents:
            yield from _data(release, declared, cluster)


def _data(release: Resource, declared: Resource, cluster: Cluster) -> Iterator[str]:
    """A template without actions is applied as it is: a ConfigMap's data must be the same in the cluster."""
    namespace = declared.namespace or release.text("status.history.0.namespace")
    live = cluster.get(Ref("ConfigMap", namespace, declared.name)) if declared.kind == "ConfigMap" else None
    if live is None or owner(live) != release.ref:
        return
    for key, text in declared.items("data"):
        have = live.get(("data", key))
        if isinstance(have, str) and have != text:
            yield f"{live.ref} has another {key} than {declared.file}"
