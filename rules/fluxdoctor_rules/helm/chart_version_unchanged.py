"""A chart in git has changed without a new version, so source-controller does not package it again."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Evidence, GitTrees, Problem, Ref, Resource, owner
from fluxdoctor_rules.helm._releases import generated_chart
from fluxdoctor_rules.helm._source import Chart, charts


def check(cluster: Cluster, git: GitTrees) -> Iterator[Problem]:
    """Compare git with the release of the same version: the appVersion, and templates without actions."""
    for release, chart in charts(cluster, git):
        last = release.fields("status.history.0")
        metadata, helm_chart = chart.about, generated_chart(cluster, release)
        strategy = release.text("spec.chart.spec.reconcileStrategy", "ChartVersion")
        if metadata is None or last.text("status") != "deployed" or strategy != "ChartVersion":
            continue
        version = metadata.text("version")
        source = _current_source(helm_chart, cluster) if helm_chart else None
        is_same = version == last.text("chartVersion").partition("+")[0]
        if source and is_same and (difference := next(_differences(release, chart, metadata, cluster), "")):
            file = f"{chart.path}/Chart.yaml"
            facts = {"chart": f"./{chart.path}", "version": version, "difference": difference, "file": file}
            proof = Evidence.field(f"{file} still has version {version}", str(source.ref))
            yield Problem(
                release.ref,
                facts,
                evidence=(proof,),
                field="spec.chart.spec.reconcileStrategy",
                location=metadata.at("version"),
            )


def _current_source(chart: Resource, cluster: Cluster) -> Resource | None:
    """Return the GitRepository of a HelmChart; None before the HelmChart has observed its current revision."""
    source = cluster.get(Ref("GitRepository", chart.namespace, chart.text("spec.sourceRef.name")))
    revision = chart.text("status.observedSourceArtifactRevision")
    return source if source and revision == source.text("status.artifact.revision") else None


def _differences(release: Resource, chart: Chart, metadata: Resource, cluster: Cluster) -> Iterator[str]:
    in_git, in_release = metadata.text("appVersion"), release.text("status.history.0.appVersion")
    if in_git and in_release and in_git != in_release:
        yield f"its appVersion is {in_git} in git, but {in_release} in the release"
    for file in chart.templates:
        if b"{{" in chart.tree.text(file) or "/charts/" in f"/{file.removeprefix(chart.path)}":
            continue
        for declared in chart.tree.parsed(file).documents:
            yield from _data(release, declared, cluster)


def _data(release: Resource, declared: Resource, cluster: Cluster) -> Iterator[str]:
    """Yield the differing keys of a ConfigMap: a template without actions is applied unchanged."""
    namespace = declared.namespace or release.text("status.history.0.namespace")
    live = cluster.get(Ref("ConfigMap", namespace, declared.name)) if declared.kind == "ConfigMap" else None
    if live is None or owner(live) != release.ref:
        return
    for key, text in declared.items("data"):
        live_text = live.get(("data", key))
        if isinstance(live_text, str) and live_text != text:
            yield f"key {key} of {live.ref} differs from {declared.file}"
