"""Rules that read the archive of a chart: no page can hold one, so the facts are made here."""

from __future__ import annotations

from fluxdoctor_rules.helm import chart_dependencies_missing, value_ignored

from fluxdoctor.collect.store import snapshot_folder
from fluxdoctor.model.charts import Chart, Charts
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.resource import Fields, Ref
from fluxdoctor.rule import fill, installed

REPOSITORY = Ref("HelmRepository", "apps", "charts")
WORLD = """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: web, namespace: apps}}
spec:
  chart: {{spec: {{chart: web, version: 2.x, sourceRef: {{kind: HelmRepository, name: charts}}}}}}
  values: {values}
status: {{conditions: [{{type: Ready, status: "{ready}", reason: UpgradeSucceeded, message: done}}]}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmChart
metadata: {{name: apps-web, namespace: apps}}
spec: {{chart: web, sourceRef: {{kind: HelmRepository, name: charts}}}}
status:
  artifact: {{revision: 2.1.0}}
  conditions: [{{type: Ready, status: "True", reason: ChartPullSucceeded, message: pulled}}]
"""
TEMPLATE = b"replicas: {{ .Values.replicaCount }}\n"


def cluster(values: str, ready: str = "True") -> Cluster:
    files = {
        "snapshot.yaml": b"format: 1\ntaken: '2026-01-01T12:00:00Z'\n",
        "cluster/objects.yaml": WORLD.format(values=values, ready=ready).encode(),
    }
    return snapshot_folder.parse(files, "pulled").cluster


def charts(template: bytes = TEMPLATE, needs: str = "", subcharts: tuple[Chart, ...] = ()) -> Charts:
    about = {"name": "web", "dependencies": [{"name": needs}] if needs else []}
    chart = Chart(
        "web",
        "2.1.0",
        metadata=Fields(about),
        values={"replicaCount": 1},
        subcharts=subcharts,
        files={"Chart.yaml": b"name: web\n", "templates/deployment.yaml": template},
    )
    return Charts({(REPOSITORY, "web", "2.1.0"): chart})


def ignored(values: str, found: Charts) -> list[str]:
    rule = installed().get("helm/value-ignored")
    assert rule is not None
    return [fill(rule.message, p.facts) for p in value_ignored.check(cluster(values), None, found)]


def test_a_value_that_the_pulled_chart_does_not_read() -> None:
    assert ignored("{replicaCount: 2, replicas: 3}", charts()) == [
        "sets spec.values.replicas, which no template of chart web 2.1.0 uses; did you mean replicaCount?"
    ]


def test_a_template_that_reads_files_may_read_any_value() -> None:
    assert ignored("{colour: red}", charts(TEMPLATE + b'{{ tpl (.Files.Get "config.tpl") . }}\n')) == []


def test_values_of_a_chart_inside_are_its_own() -> None:
    below = Chart("redis", "1.0.0", values={"size": 1}, files={"templates/x.yaml": b"{{ .Values.size }}"})
    assert ignored("{redis: {colour: red}}", charts(needs="redis", subcharts=(below,))) == []
    assert ignored("{redis: {colour: red}, colour: red}", charts(needs="redis")) == []


def test_a_dependency_that_is_not_in_the_archive() -> None:
    found = list(chart_dependencies_missing.check(cluster("{}"), charts(needs="redis")))
    assert [(str(p.subject), p.facts, p.severity) for p in found] == [
        ("HelmRelease/apps/web", {"names": "redis"}, "warning")
    ]
    failing = list(chart_dependencies_missing.check(cluster("{}", "False"), charts(needs="redis")))
    assert [p.severity for p in failing] == [None]
    whole = charts(needs="redis", subcharts=(Chart("redis", "1.0.0"),))
    assert list(chart_dependencies_missing.check(cluster("{}"), whole)) == []
