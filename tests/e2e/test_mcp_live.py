"""The MCP server over a real API server: what it reads, what it may write, and with the real kustomize-controller."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from fluxdoctor.collect.kube.login import ClusterLogin
from fluxdoctor.collect.live import Probing
from fluxdoctor.mcp.server import build
from fluxdoctor.mcp.settings import ServerSettings
from tests.e2e import controller, incident, users
from tests.e2e.api import Body
from tests.e2e.cluster import Cluster
from tests.e2e.incident import INCIDENTS
from tests.e2e.test_kustomize_controller import APPS, kustomization
from tests.mcp.clients import MODES, READING, WRITING, call, names, refusal, stdio

KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations"
APP = {"kind": "ks", "name": "apps", "namespace": "flux-system"}
REQUESTED = "reconcile.fluxcd.io/requestedAt"
REASON = "suspend.toolkit.fluxcd.io/reason"


def server(cluster: Cluster, user: str = users.ADMIN, **more: Any) -> Any:
    return build(ServerSettings(login=ClusterLogin(str(cluster.kubeconfig(user))), probing=Probing.NONE, **more))


def apps(cluster: Cluster) -> Body:
    return cluster.admin.call("GET", f"{KUSTOMIZATIONS}/apps")


def without(body: Body, *annotations: str) -> Body:
    """The object but for what a write of ours may touch, and what the API server counts itself."""
    metadata = {
        k: v for k, v in body["metadata"].items() if k not in ("managedFields", "resourceVersion", "generation")
    }
    kept = {k: v for k, v in metadata.pop("annotations", {}).items() if k not in annotations}
    spec = {k: v for k, v in body["spec"].items() if k != "suspend"}
    return {**body, "metadata": {**metadata, "annotations": kept}, "spec": spec}


def owned(body: Body) -> list[Any]:
    return [row["fieldsV1"] for row in body["metadata"]["managedFields"] if row["manager"] == "fluxdoctor"]


@pytest.mark.parametrize("mode", MODES)
def test_over_stdio_a_live_cluster_is_diagnosed(mode: str, cluster: Cluster) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    started = stdio(
        "--kubeconfig", str(cluster.kubeconfig(users.ADMIN)), "--probe", "none", "--no-cache", "--allow-writes"
    )
    assert names(started, mode) == sorted((*READING, *WRITING))
    answer = call(started, "diagnose", mode)
    (first,) = [f for f in answer["findings"] if f["severity"] == "error"]
    assert (first["rule"], first["subject"]["name"], answer["mode"]) == ("kustomize/path-not-found", "sources", "live")
    assert call(started, "flux_kustomizations_list_tool", mode)["counts"] == {"failed": 4, "ready": 2}


def test_a_dry_run_and_a_user_without_rights_change_nothing(cluster: Cluster) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    before = apps(cluster)
    writes = server(cluster, writes=True)
    answer = call(writes, "flux_suspend_tool", **APP, dry_run=True)
    assert (answer["dry_run"], answer["changed"]) == (True, ["spec.suspend", f"metadata.annotations[{REASON}]"])
    assert call(writes, "flux_reconcile_tool", **APP, dry_run=True)["changed"] == [f"metadata.annotations[{REQUESTED}]"]
    words = refusal(server(cluster, users.NO_SECRETS, writes=True), "flux_suspend_tool", **APP)
    assert words == (
        f"the API server rejected the request or did not answer: «forbidden: {users.NO_SECRETS} cannot patch it in flux-system»"
    )
    limited = server(cluster, writes=True, namespaces=("apps",))
    assert refusal(limited, "flux_suspend_tool", **APP) == (
        "Kustomization/flux-system/apps cannot be changed: this server only changes objects of apps"
    )
    assert apps(cluster) == before


def test_suspending_touches_one_field_and_its_reason_and_resuming_takes_both_away(cluster: Cluster) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    before, writes = apps(cluster), server(cluster, writes=True)
    call(writes, "flux_suspend_tool", **APP, reason="node upgrade")
    during = apps(cluster)
    assert during["spec"]["suspend"] is True
    assert re.fullmatch(
        r"node upgrade \(by admin, \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, with fluxdoctor\)",
        during["metadata"]["annotations"][REASON],
    )
    assert without(during, REASON) == without(before)
    (fields,) = owned(during)
    assert fields["f:spec"] == {"f:suspend": {}}
    assert set(fields["f:metadata"]["f:annotations"]) <= {".", f"f:{REASON}"}
    (item,) = [
        i for i in call(writes, "flux_kustomizations_list_tool", fresh=True)["items"] if i["state"] == "suspended"
    ]
    assert (item["name"], "node upgrade" in item["suspended_by"]) == ("apps", True)
    assert "so its controller does not reconcile it; resume it first" in refusal(writes, "flux_reconcile_tool", **APP)
    answer = call(writes, "flux_resume_tool", **APP, wait_seconds=2)
    assert (answer["handled"], "kustomize-controller has not handled the request" in answer["note"]) == (False, True)
    after = apps(cluster)
    assert ("suspend" in after["spec"], without(after), owned(after)) == (False, without(before), [])


@pytest.fixture
def store(cluster: Cluster) -> Iterator[controller.Artifacts]:
    with controller.artifacts() as running, controller.running(cluster):
        yield running


def test_the_three_workflows_with_the_real_controller(cluster: Cluster, store: controller.Artifacts) -> None:
    store.publish(cluster, "flux-system", "fleet", APPS)
    cluster.admin.call("POST", KUSTOMIZATIONS, kustomization("apps", "./apps"))
    controller.settled(cluster, "flux-system", "apps")
    writes = server(cluster, writes=True)
    (item,) = call(writes, "flux_kustomizations_list_tool", namespace="flux-system")["items"]
    assert (item["name"], item["state"], item["source"]) == ("apps", "ready", "GitRepository/flux-system/fleet")

    answer = call(writes, "flux_reconcile_tool", **APP)
    assert (answer["handled"], answer["ready"], answer["reason"]) == (True, "True", "«ReconciliationSucceeded»")
    now = apps(cluster)
    assert now["status"]["lastHandledReconcileAt"] == now["metadata"]["annotations"][REQUESTED]

    call(writes, "flux_suspend_tool", **APP, reason="maintenance")
    newer = store.publish(cluster, "flux-system", "fleet", {**APPS, "apps/more.yaml": "# more"})
    time.sleep(2)
    assert apps(cluster)["status"]["lastAppliedRevision"] != newer
    answer = call(writes, "flux_resume_tool", **APP)
    assert (answer["handled"], answer["ready"], answer["note"]) == (True, "True", "")
    assert answer["meanwhile"][1].startswith("GitRepository/flux-system/fleet has revision ")
    assert apps(cluster)["status"]["lastAppliedRevision"] == newer

    # No source-controller runs here: the source does not answer, so the object itself is not asked.
    before = apps(cluster)["metadata"]["annotations"][REQUESTED]
    answer = call(writes, "flux_reconcile_tool", **APP, with_source=True, wait_seconds=3)
    assert (answer["changed"], answer["note"]) == (
        [],
        "GitRepository/flux-system/fleet did not become ready, so Kustomization/flux-system/apps was not reconciled",
    )
    assert "source-controller has not handled the request" in answer["source"]["note"]
    assert apps(cluster)["metadata"]["annotations"][REQUESTED] == before


TOKEN = "0123456789abcdef-e2e"


def diagnosed(url: str, mode: str) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with anyio.fail_after(60):
            async with (
                httpx2.AsyncClient(headers=headers) as http,
                Client(streamable_http_client(url, http_client=http), mode=mode) as client,
            ):
                return dict((await client.call_tool("diagnose", {})).structured_content or {})

    return anyio.run(run)


@contextmanager
def over_http(cluster: Cluster, tmp_path: Path) -> Iterator[str]:
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n", "utf-8")
    argv = [sys.executable, "-m", "fluxdoctor", "mcp", "--transport", "http", "--port", "0", "--token-file", str(token),
            "--kubeconfig", str(cluster.kubeconfig(users.ADMIN)), "--probe", "none", "--no-cache"]  # fmt: skip
    with subprocess.Popen(  # noqa: S603 - our own program
        argv, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            yield line.removeprefix("fluxdoctor mcp: ").strip()
        finally:
            process.terminate()
            process.wait(10)


def test_over_http_with_a_token_from_this_host_alone(cluster: Cluster, tmp_path: Path) -> None:
    incident.load(cluster, INCIDENTS / "cascade-chain-top", datetime.now(UTC))
    with over_http(cluster, tmp_path) as url:
        good = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json, text/event-stream"}
        tried = {
            "none": {}, "wrong": {"Authorization": "Bearer nonsense"}, "host": {**good, "Host": "evil.test"},
            "origin": {**good, "Origin": "http://evil.test"},
        }  # fmt: skip
        for _ in range(100):
            try:
                httpx2.get(url)
                break
            except httpx2.ConnectError:
                time.sleep(0.1)
        codes = {name: httpx2.post(url, json={}, headers=headers).status_code for name, headers in tried.items()}
        assert codes == {"none": 401, "wrong": 401, "host": 421, "origin": 403}
        assert (
            httpx2.post(url, content=b"x" * 300_000, headers={**good, "Content-Type": "application/json"}).status_code
            == 413
        )
        for mode in MODES:
            answer = diagnosed(url, mode)
            assert [f["rule"] for f in answer["findings"]][:1] == ["kustomize/path-not-found"]
