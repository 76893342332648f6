"""Report objects in a real API server, by the service account and the manifests of deploy/."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e import build, incident, kinds, users
from tests.e2e.api import ApiError, Body
from tests.e2e.cluster import Cluster
from tests.e2e.incident import INCIDENTS
from tests.helpers.pipelines import ROOT
from tests.servers.pushgateway import pushgateway

API = "/apis/openreports.io/v1alpha1"
CRDS = ("reports.openreports.io", "clusterreports.openreports.io")


@pytest.fixture(scope="module")
def manifests() -> list[Body]:
    """The objects of the example, which uses deploy/ and its component, built by kustomize."""
    command = [str(build.command("kustomize")), "build", str(ROOT / "examples/kubernetes")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - built by the rig
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture
def reporting(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster that serves the kinds of OpenReports."""
    kinds.install(cluster.admin, build.report_crds())
    cluster.admin.forget_kinds()
    yield cluster
    for name in CRDS:
        cluster.delete_crd(name)
    cluster.admin.forget_kinds()


def apply(cluster: Cluster, bodies: list[Body], **query: str) -> None:
    for body in bodies:
        served = cluster.admin.served(body["apiVersion"], body["kind"])
        assert served is not None, body["kind"]
        path = served.path(body["metadata"].get("namespace", ""), body["metadata"]["name"])
        cluster.admin.apply(path, body, {"fieldManager": "deployer", "fieldValidation": "Strict", **query})


def kubeconfig(cluster: Cluster) -> Path:
    """Write the kubeconfig of the service account, with a token as its pod would have."""
    path = cluster.kubeconfig(users.NO_RIGHTS)
    body = json.loads(path.read_text())
    body["users"][0]["user"] = {"token": cluster.account_token("fluxdoctor", "fluxdoctor")}
    path.write_text(json.dumps(body))
    return path


def diagnose(config: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fluxdoctor", "diagnose", "--no-probe", "--no-cache", "--fail-on", "never", *args]
    env = {**os.environ, "KUBECONFIG": str(config), "COLUMNS": "100"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env, timeout=120)  # noqa: S603


def published(cluster: Cluster) -> dict[tuple[str, str], list[Body]]:
    """Return the results by namespace and name of their object; the ClusterReport's namespace is ""."""
    found = [*cluster.admin.listed(f"{API}/clusterreports"), *cluster.admin.listed(f"{API}/reports")]
    return {(b["metadata"].get("namespace", ""), b["metadata"]["name"]): _results(b) for b in found}


def _results(body: Body) -> list[Body]:
    return [{k: v for k, v in result.items() if k != "timestamp"} for result in body["results"]]


def test_the_manifests_are_valid_and_their_pod_is_restricted(cluster: Cluster, manifests: list[Body]) -> None:
    apply(cluster, manifests)
    job = next(body for body in manifests if body["kind"] == "CronJob")
    spec = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "once", "namespace": "fluxdoctor"}, "spec": spec}
    apply(cluster, [pod], dryRun="All")
    assert spec["containers"][0]["image"] == "registry.example.com/platform/fluxdoctor:main"
    assert spec["containers"][0]["args"] == [
        "diagnose", "--timeout", "120s", "--fail-on", "never", "--publish", "openreports",
        "--publish", "pushgateway=http://pushgateway.monitoring:9091",
    ]  # fmt: skip
    spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    with pytest.raises(ApiError, match="violates PodSecurity"):
        apply(cluster, [pod], dryRun="All")


def test_the_account_writes_what_it_found_and_takes_back_what_is_over(
    reporting: Cluster, manifests: list[Body]
) -> None:
    cluster = reporting
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    apply(cluster, [*manifests, *map(incident.namespace, ("apps", "backend"))])
    ours = {"app.kubernetes.io/managed-by": "fluxdoctor"}
    apply(
        cluster,
        [_report("old", "backend", ours), _report("fluxdoctor", "apps", ours), _report("theirs", "backend", {})],
    )
    config = kubeconfig(cluster)
    done = diagnose(config, "--publish", "openreports")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "openreports: 2 written, 2 deleted")
    found = published(cluster)
    assert sorted((space, name) for space, name in found) == [
        ("", "fluxdoctor"), ("backend", "theirs"), ("flux-system", "fluxdoctor"),
    ]  # fmt: skip
    printed = yaml.safe_load_all(diagnose(config, "--format", "openreports").stdout)
    said = {(b["metadata"].get("namespace", ""), b["metadata"]["name"]): _results(b) for b in printed}
    assert {key: results for key, results in found.items() if key[1] == "fluxdoctor"} == said, "nothing was pruned"
    failed = [r["policy"] for r in found["flux-system", "fluxdoctor"] if r["result"] == "fail"]
    assert failed == ["kustomize/path-not-found"]
    manager = cluster.admin.call("GET", f"{API}/namespaces/flux-system/reports/fluxdoctor")["metadata"]["managedFields"]
    assert [(m["manager"], m["operation"]) for m in manager] == [("fluxdoctor", "Apply")]
    again = diagnose(config, "--publish", "openreports")
    assert again.stderr.splitlines()[-1] == "openreports: 2 written, 0 deleted"
    assert published(cluster) == found


def _report(name: str, namespace: str, labels: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "openreports.io/v1alpha1", "kind": "Report", "metadata": metadata, "results": []}


def test_a_namespace_that_ends_is_told_of_in_the_cluster_report(reporting: Cluster, manifests: list[Body]) -> None:
    cluster = reporting
    incident.load(cluster, INCIDENTS / "ks-namespace-terminating", datetime.now(UTC))
    apply(cluster, manifests)
    ends = [
        n["metadata"]["name"]
        for n in cluster.admin.listed("/api/v1/namespaces")
        if n["metadata"].get("deletionTimestamp")
    ]
    assert ends
    done = diagnose(kubeconfig(cluster), "--publish", "openreports")
    assert (done.returncode, done.stderr.splitlines()[-1][:12]) == (0, "openreports:")
    found = published(cluster)
    assert not set(ends) & {space for space, _ in found}
    told = [(key, r["policy"]) for key, results in found.items() for r in results if r["result"] == "fail"]
    assert told == [(("", "fluxdoctor"), "cluster/namespace-terminating")]


def test_a_cluster_without_the_kinds(cluster: Cluster) -> None:
    done = diagnose(cluster.kubeconfig(users.ADMIN), "--publish", "openreports")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        "fluxdoctor: --publish openreports: this cluster does not serve openreports.io/v1alpha1: install its"
    )
    assert "nothing to fix" in done.stdout, "the report itself is still printed"


def test_an_account_that_may_not_write(reporting: Cluster) -> None:
    done = diagnose(reporting.kubeconfig(users.NO_SECRETS), "--publish", "openreports")
    assert done.returncode == 2
    assert 'User "no-secrets" cannot patch resource "clusterreports"' in done.stderr
    assert "Traceback" not in done.stderr


def test_what_cannot_be_seen_stays(reporting: Cluster, manifests: list[Body]) -> None:
    cluster = reporting
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    apply(cluster, [*manifests, incident.namespace("apps")])
    apply(cluster, [_report("fluxdoctor", "apps", {"app.kubernetes.io/managed-by": "fluxdoctor"})])
    role = cluster.admin.call("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/fluxdoctor")
    role["rules"] = [r for r in role["rules"] if r["apiGroups"] != ["helm.toolkit.fluxcd.io"]]
    cluster.admin.call("PUT", "/apis/rbac.authorization.k8s.io/v1/clusterroles/fluxdoctor", role)
    done = diagnose(kubeconfig(cluster), "--publish", "openreports")
    last = done.stderr.splitlines()[-1]
    assert (
        last
        == "openreports: 2 written, 0 deleted; reports of earlier runs remain, because this run could not read everything"
    )
    assert ("apps", "fluxdoctor") in published(cluster)


def test_metrics_of_a_live_cluster(cluster: Cluster, tmp_path: Path) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    file = tmp_path / "fluxdoctor.prom"
    with pushgateway() as gateway:
        where = ("--publish", f"textfile={file}", "--publish", f"pushgateway={gateway.url}")
        done = diagnose(cluster.kubeconfig(users.ADMIN), *where)
    assert (done.returncode, done.stderr) == (0, "")
    assert [text for _, _, _, text in gateway.got] == [file.read_text()]
    assert 'fluxdoctor_findings{severity="error"} 1\n' in file.read_text()
