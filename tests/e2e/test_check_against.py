"""`fluxdoctor check --against`: what a repository cannot tell is asked of a real API server, as whoever may see what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fluxdoctor.cli.main import cli
from tests.e2e import incident, users
from tests.e2e.cluster import Cluster
from tests.helpers.fleet import needs_kustomize

pytestmark = needs_kustomize

CANARY = "canary-77aa01-never-to-be-seen"
FLEET = {
    "clusters/prod/flux-system/gotk-sync.yaml": """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 1m, url: "https://git.example.com/fleet.git", ref: {branch: main}, secretRef: {name: git-login}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 10m, path: ./clusters/prod, prune: true, sourceRef: {kind: GitRepository, name: flux-system}}
""",
    "clusters/prod/apps.yaml": """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  interval: 10m
  path: ./apps
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
  postBuild: {substituteFrom: [{kind: ConfigMap, name: cluster-vars}]}
""",
    "apps/web.yaml": """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: flux-system}
spec: {interval: 10m, url: "https://charts.example.com"}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: flux-system}
spec:
  interval: 10m
  chart: {spec: {chart: web, version: 1.2.3, sourceRef: {kind: HelmRepository, name: charts}}}
  valuesFrom: [{kind: Secret, name: web-values, valuesKey: prod.yaml}]
""",
}


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    for path, content in FLEET.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    return tmp_path


def checked(
    cluster: Cluster, fleet: Path, monkeypatch: pytest.MonkeyPatch, user: str = users.ADMIN
) -> tuple[int, dict[str, Any]]:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(user)))
    result = CliRunner().invoke(
        cli, ["check", str(fleet), "--cluster", "clusters/prod", "--against", "e2e", "--no-cache", "--format", "json"]
    )
    assert CANARY not in result.output
    return result.exit_code, json.loads(result.output)


def told(body: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(f["severity"], f["rule"], f["subject"]["name"]) for f in body["findings"]]


def held(prod: str = "prod.yaml") -> list[dict[str, Any]]:
    def secret(name: str, data: dict[str, str]) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": "flux-system"},
            "stringData": data,
        }

    return [
        secret("git-login", {"username": "git", "password": CANARY}),
        secret("web-values", {prod: f"password: {CANARY}\n"}),
        {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cluster-vars", "namespace": "flux-system"},
            "data": {"region": "eu"},
        },
    ]  # fmt: skip


def test_what_the_cluster_lacks_is_an_error(cluster: Cluster, fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = CliRunner().invoke(cli, ["check", str(fleet), "--no-cache", "--format", "json"])
    assert (alone.exit_code, told(json.loads(alone.output))) == (0, [])
    code, body = checked(cluster, fleet, monkeypatch)
    assert (code, told(body)) == (1, [
        ("error", "helm/values-source-missing", "web"),
        ("error", "kustomize/substitute-source-missing", "apps"),
        ("error", "source/secret-missing", "flux-system"),
    ])  # fmt: skip


def test_what_the_cluster_holds_is_fine(cluster: Cluster, fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    incident.load_objects(cluster, held())
    code, body = checked(cluster, fleet, monkeypatch)
    assert (code, told(body), body["verdict"]) == (0, [], "healthy")


def test_a_key_that_the_clusters_secret_lacks(cluster: Cluster, fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    incident.load_objects(cluster, held(prod="test.yaml"))
    code, body = checked(cluster, fleet, monkeypatch)
    assert (code, told(body)) == (1, [("error", "helm/values-key-missing", "web")])


def test_what_may_not_be_seen_is_neither(cluster: Cluster, fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    incident.load_objects(cluster, [o for o in held() if o["kind"] == "ConfigMap"])
    code, body = checked(cluster, fleet, monkeypatch, users.NO_SECRETS)
    unseen = sorted({s["subject"]["name"] for s in body["skipped"] if s["subject"] and s["asked"]})
    assert (code, told(body), body["verdict"], unseen) == (3, [], "incomplete", ["git-login", "web-values"])
