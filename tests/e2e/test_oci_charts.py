"""Charts that HelmReleases take from a real registry, and what rules read in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from fluxdoctor.app.diagnose import RuleOptions, diagnose
from fluxdoctor.collect import live
from fluxdoctor.collect.store import snapshot_folder
from fluxdoctor.model.charts import Charts
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot
from tests.helpers.sources import reach
from tests.servers.helm_repo import package
from tests.servers.registry import HELM_CONFIG, HELM_LAYER, Registry, registry

CHART = package(
    "web",
    "2.1.0",
    {
        "Chart.yaml": "apiVersion: v2\nname: web\nversion: 2.1.0\ndependencies: [{name: redis, version: 1.0.0}]\n",
        "values.yaml": "replicaCount: 1\n",
        "values.schema.json": '{"properties": {"replicaCount": {"type": "integer"}}}',
        "templates/deployment.yaml": "replicas: {{ .Values.replicaCount }}\n",
    },
)
WHOLE = package(
    "web",
    "2.1.0",
    {"values.yaml": "replicaCount: 1\n", "templates/deployment.yaml": "replicas: {{ .Values.replicaCount }}\n"},
)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Registry, dict[str, str]]]:
    with registry() as running:
        digests = {
            name: running.push(f"{name}/web", "2.1.0", chart, config_type=HELM_CONFIG, layer_type=HELM_LAYER)
            for name, chart in (("lacking", CHART), ("whole", WHOLE))
        }
        yield running, digests


def world(registry_: Registry, below: str, digest: str, chart_ref: str, values: Any) -> Snapshot:
    """A release that was never tried, of a chart that its source or HelmChart has."""
    ready = [{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored"}]
    group, at = "source.toolkit.fluxcd.io/v1", {"namespace": "apps"}
    objects = [
        {
            "apiVersion": group, "kind": "OCIRepository", "metadata": {"name": "web", **at},
            "spec": {"url": f"oci://{registry_.host}/{below}/web", "insecure": True, "ref": {"semver": "2.x"}},
            "status": {"artifact": {"revision": f"2.1.0@{digest}"}, "conditions": ready},
        },
        {
            "apiVersion": group, "kind": "HelmRepository", "metadata": {"name": "charts", **at},
            "spec": {"type": "oci", "insecure": True, "url": f"oci://{registry_.host}/{below}"},
        },
        {
            "apiVersion": group, "kind": "HelmChart", "metadata": {"name": "web", **at},
            "spec": {"chart": "web", "version": "2.x", "sourceRef": {"kind": "HelmRepository", "name": "charts"}},
            "status": {"artifact": {"revision": "2.1.0"}, "conditions": ready},
        },
        {
            "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "web", **at},
            "spec": {"interval": "10m", "chartRef": {"kind": chart_ref, "name": "web"}, "values": values},
        },
    ]  # fmt: skip
    files = {
        "snapshot.yaml": b"format: 1\ntaken: '2026-01-01T12:00:00Z'\n",
        "cluster/objects.yaml": yaml.safe_dump_all(objects).encode(),
    }
    seen = snapshot_folder.parse(files, "live")
    sources = [found for name in ("OCIRepository/web", "HelmRepository/charts") if (found := _get(seen, name))]
    return live.ask(seen, sources, reach(), {Charts})


def _get(seen: Snapshot, name: str) -> Any:
    kind, _, own = name.partition("/")
    return seen.cluster.get(Ref(kind, "apps", own))


@pytest.mark.parametrize("chart_ref", ["OCIRepository", "HelmChart"])
def test_rules_read_the_chart_that_chart_ref_leads_to(chart_ref: str, served: tuple[Registry, dict[str, str]]) -> None:
    running, digests = served
    rules = ("helm/value-ignored", "helm/chart-dependencies-missing", "helm/values-refused")
    seen = world(running, "whole", digests["whole"], chart_ref, {"replicaCont": 3})
    assert [(f.rule, f.message) for f in diagnose(seen, options=RuleOptions(rules)).findings] == [
        (
            "helm/value-ignored",
            "sets spec.values.replicaCont, which no template of chart web 2.1.0 uses; did you mean replicaCount?",
        )
    ]
    seen = world(running, "lacking", digests["lacking"], chart_ref, {"replicaCount": "three"})
    assert sorted((f.rule, f.message) for f in diagnose(seen, options=RuleOptions(rules)).findings) == [
        ("helm/chart-dependencies-missing", "the chart was packaged without its dependencies: redis"),
        (
            "helm/values-refused",
            'the schema of chart web rejects the values: at \'/replicaCount\': "three" is not of type "integer"',
        ),
    ]
