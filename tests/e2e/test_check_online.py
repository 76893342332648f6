"""`fluxdoctor check --online` against a real registry: the tags of charts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fluxdoctor.app import check
from fluxdoctor.repository.files.repository import Repository
from tests.helpers.fleet import SYNC, needs_kustomize
from tests.helpers.sources import reach
from tests.helpers.worlds import rules
from tests.servers.helm_repo import package
from tests.servers.registry import HELM_CONFIG, HELM_LAYER, Registry, registry

pytestmark = needs_kustomize

OBJECTS = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: web}
spec: {type: oci, insecure: true, url: "oci://HOST/acme"}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: old, namespace: web}
spec:
  interval: 10m
  chart:
    spec:
      chart: web
      version: 0.9.0
      sourceRef: {kind: HelmRepository, name: charts}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: good, namespace: web}
spec:
  interval: 10m
  chart: {spec: {chart: web, version: 2.x, sourceRef: {kind: HelmRepository, name: charts}}}
"""
ARTIFACT = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: NAME, namespace: web}
spec:
  interval: 1h
  insecure: true
  url: oci://HOST/acme/web
  layerSelector: {mediaType: application/vnd.cncf.helm.chart.content.v1.tar+gzip, operation: copy}
  ref:
    WHICH
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: NAME, namespace: web}
spec: {interval: 10m, chartRef: {kind: OCIRepository, name: NAME}}
"""


@pytest.fixture(scope="module")
def served() -> Iterator[Registry]:
    with registry() as running:
        chart = package("web", "2.1.0", {"values.yaml": "a: 1\n"})
        for tag in ("2.0.0", "2.1.0"):
            running.push("acme/web", tag, chart, config_type=HELM_CONFIG, layer_type=HELM_LAYER)
        yield running


def check_chart_versions(served: Registry, objects: str) -> list[str]:
    files = {
        "clusters/prod/flux-system/gotk-sync.yaml": SYNC.encode(),
        "clusters/prod/objects.yaml": objects.replace("HOST", served.host).encode(),
    }
    report = check.check(Repository("fleet", files), rules(), check.CheckOptions(probes=reach()))
    assert [s for s in report.skipped if s.asked] == []
    return [f"{f.severity} {f.rule} {f.subject}: {f.message} ({f.location})" for f in report.findings]


def test_a_version_that_no_tag_has(served: Registry) -> None:
    assert check_chart_versions(served, OBJECTS) == [
        "error helm/chart-version-missing HelmRelease/web/old: 0.9.0 matches no version of chart web; "
        "HelmRepository/web/charts offers 2.1.0, 2.0.0 (clusters/prod/objects.yaml:14)"
    ]


def test_a_tag_and_a_range_of_an_artifact_that_is_a_chart(served: Registry) -> None:
    wanted = {"tagged": "tag: 2.1.1", "ranged": "semver: 3.x", "good": "semver: 2.x", "open": "tag: ${TAG}"}
    objects = "---\n".join(ARTIFACT.replace("NAME", name).replace("WHICH", which) for name, which in wanted.items())
    url = f"oci://{served.host}/acme/web"
    assert check_chart_versions(served, objects) == [
        f"error oci/semver-no-match OCIRepository/web/ranged: no tag of {url} satisfies 3.x; the newest tags are 2.1.0, 2.0.0 "
        "(clusters/prod/objects.yaml:26)",
        f"error oci/tag-not-found OCIRepository/web/tagged: {url} has no tag 2.1.1; did you mean 2.1.0 or 2.0.0? "
        "(clusters/prod/objects.yaml:10)",
    ]
