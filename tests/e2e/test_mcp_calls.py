"""Calls of the MCP server that end early, that need nothing new, and that must not reach further than they may."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client

from fluxdoctor.collect.kube.login import ClusterLogin
from fluxdoctor.collect.live import Probing
from fluxdoctor.mcp.server import build
from fluxdoctor.mcp.settings import ServerSettings
from tests.e2e import controller, incident, users
from tests.e2e.api import Body
from tests.e2e.cluster import Cluster
from tests.e2e.fault_proxy import FaultProxy
from tests.e2e.incident import INCIDENTS
from tests.e2e.test_kustomize_controller import APPS, kustomization
from tests.mcp.clients import MODES, READING, call, drive, refusal, stdio

INCIDENT = INCIDENTS / "cascade-chain-top"
SOURCES = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system"
KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations"
REQUESTED = "reconcile.fluxcd.io/requestedAt"
ONE = {"kind": "ks", "name": "apps", "namespace": "flux-system"}


def server(cluster: Cluster, url: str = "", **more: Any) -> Any:
    login = ClusterLogin(str(cluster.kubeconfig(users.ADMIN, server=url)))
    return build(ServerSettings(login=login, probing=Probing.NONE, **more))


def without_marks(body: Body) -> Body:
    """An object but for what the API server counts, and the annotation that asks for a reconciliation."""
    counted = ("managedFields", "resourceVersion", "generation")
    metadata = {k: v for k, v in body["metadata"].items() if k not in counted}
    metadata["annotations"] = {k: v for k, v in metadata.get("annotations", {}).items() if k != REQUESTED}
    return {**body, "metadata": metadata}


def owned(body: Body) -> list[Any]:
    return [row["fieldsV1"] for row in body["metadata"].get("managedFields", ()) if row["manager"] == "fluxdoctor"]


def test_with_source_changes_nothing_outside_of_the_namespaces(cluster: Cluster) -> None:
    incident.load(cluster, INCIDENT, datetime.now(UTC))
    release = "/apis/helm.toolkit.fluxcd.io/v2/namespaces/podinfo/helmreleases/podinfo"
    charts = f"{SOURCES}/helmcharts/podinfo-podinfo"
    before = [cluster.admin.call("GET", path) for path in (release, charts)]
    words = refusal(
        server(cluster, writes=True, namespaces=("podinfo",)), "flux_reconcile_tool", kind="hr", name="podinfo",
        namespace="podinfo", with_source=True,
    )  # fmt: skip
    assert words == (
        "HelmChart/flux-system/podinfo-podinfo cannot be changed: this server only changes objects of podinfo"
    )
    assert [cluster.admin.call("GET", path) for path in (release, charts)] == before


def test_asking_for_a_reconciliation_touches_one_annotation(cluster: Cluster) -> None:
    incident.load(cluster, INCIDENT, datetime.now(UTC))
    paths = {
        "ks": f"{KUSTOMIZATIONS}/apps",
        "hr": "/apis/helm.toolkit.fluxcd.io/v2/namespaces/podinfo/helmreleases/podinfo",
    }
    asked: dict[str, dict[str, Any]] = {
        "ks": ONE,
        "hr": {"kind": "hr", "name": "podinfo", "namespace": "podinfo", "force": True, "reset": True},
    }
    keys = {"ks": ["requestedAt"], "hr": ["requestedAt", "forceAt", "resetAt"]}
    for kind, path in paths.items():
        before = cluster.admin.call("GET", path)
        answer = call(server(cluster, writes=True), "flux_reconcile_tool", **asked[kind], wait_seconds=1)
        named = [f"reconcile.fluxcd.io/{key}" for key in keys[kind]]
        assert answer["changed"] == [f"metadata.annotations[{key}]" for key in named]
        after = cluster.admin.call("GET", path)
        tokens = [after["metadata"]["annotations"].pop(key) for key in named]
        assert tokens == [tokens[0]] * len(named)
        assert datetime.now(UTC) - datetime.fromisoformat(tokens[0]) < timedelta(minutes=1)
        assert without_marks(after) == without_marks(before)
        (fields,) = owned(after)
        assert set(fields) == {"f:metadata"}
        assert set(fields["f:metadata"]) == {"f:annotations"}
        assert set(fields["f:metadata"]["f:annotations"]) - {"."} == {f"f:{key}" for key in named}


@contextmanager
def source_controller(cluster: Cluster, publish: Callable[[], str]) -> Iterator[None]:
    """Do what source-controller does when it is asked: fetch, publish what is new, say that the request was handled."""
    over = threading.Event()
    path = f"{SOURCES}/gitrepositories/fleet"

    def work() -> None:
        handled = ""
        while not over.wait(0.2):
            asked = cluster.admin.call("GET", path)["metadata"].get("annotations", {}).get(REQUESTED, "")
            if asked and asked != handled:
                publish()
                cluster.admin.call("PATCH", f"{path}/status", {"status": {"lastHandledReconcileAt": asked}})
                handled = asked

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(20)


def test_a_sync_begins_with_the_source_and_a_pause_tells_what_changed(cluster: Cluster) -> None:
    with controller.artifacts() as store, controller.running(cluster):
        old = store.publish(cluster, "flux-system", "fleet", APPS)
        cluster.admin.call("POST", KUSTOMIZATIONS, kustomization("apps", "./apps"))
        controller.settled(cluster, "flux-system", "apps")
        writes = server(cluster, writes=True)
        newer: list[str] = []

        def publish() -> str:
            newer.append(store.publish(cluster, "flux-system", "fleet", {**APPS, "apps/more.yaml": "# more"}))
            return newer[-1]

        with source_controller(cluster, publish):
            answer = call(writes, "flux_reconcile_tool", **ONE, with_source=True)
        source = answer["source"]
        assert (source["object"]["kind"], source["handled"], source["ready"]) == ("GitRepository", True, "True")
        assert (source["revision_before"], source["revision_after"]) != (source["revision_after"],) * 2
        assert (answer["handled"], answer["ready"], answer["note"]) == (True, "True", "")
        applied = cluster.admin.call("GET", f"{KUSTOMIZATIONS}/apps")["status"]["lastAppliedRevision"]
        assert (applied, applied == old) == (newer[-1], False)

        call(writes, "flux_suspend_tool", **ONE, reason="upgrade of the nodes")
        time.sleep(1.2)  # managed fields tell whole seconds
        cluster.admin.call("PATCH", f"{KUSTOMIZATIONS}/apps", {"spec": {"interval": "7m"}})
        answer = call(writes, "flux_resume_tool", **ONE)
        why, spec, revision = answer["meanwhile"]
        assert why.startswith("suspended: «upgrade of the nodes (by admin, ")
        assert re.fullmatch(r"spec changed by «fluxdoctor-e2e» at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", spec)
        assert revision == "GitRepository/flux-system/fleet has no new revision"


def test_a_whole_reading_answers_narrower_questions(cluster: Cluster, proxy: FaultProxy) -> None:
    incident.load(cluster, INCIDENT, datetime.now(UTC))
    reads = server(cluster, url=proxy.url)

    async def use(client: Client) -> list[int]:
        counts = []
        asked: list[tuple[str, dict[str, Any]]] = [
            ("diagnose", {}), ("diagnose", {"namespace": "flux-system"}), ("diagnose", ONE),
            ("flux_kustomizations_list_tool", {"namespace": "flux-system"}), ("get_events", {"namespace": "podinfo"}),
            ("dependency_graph", {}), ("diagnose", {"fresh": True}),
        ]  # fmt: skip
        for tool, arguments in asked:
            before = len(proxy.requests)
            answer = await client.call_tool(tool, arguments)
            assert not answer.is_error, answer.content
            counts.append(len(proxy.requests) - before)
        return counts

    first, *later, again = drive(reads, use)
    assert (first > 0, later, again > 0) == (True, [0] * 5, True)


@pytest.mark.parametrize("mode", MODES)
def test_a_call_that_is_called_off_holds_nothing(mode: str, cluster: Cluster, proxy: FaultProxy) -> None:
    incident.load(cluster, INCIDENT, datetime.now(UTC))
    reads = server(cluster, url=proxy.url)
    proxy.fault("/apis/kustomize.toolkit.fluxcd.io", kind="stall")

    async def use(client: Client) -> tuple[float, list[str]]:
        with anyio.move_on_after(2):
            await client.call_tool("diagnose", {})
        proxy.clear()
        started = time.monotonic()
        answer = await client.call_tool("diagnose", {})
        assert not answer.is_error, answer.content
        return time.monotonic() - started, [f["rule"] for f in (answer.structured_content or {})["findings"]][:1]

    seconds, rules = drive(reads, use, mode)
    assert (seconds < 15, rules) == (True, ["kustomize/path-not-found"])
    ends = time.monotonic() + 10
    while time.monotonic() < ends and _readers():
        time.sleep(0.1)
    assert _readers() == []


def _readers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(("kube", "ask"))]


def test_a_call_that_is_called_off_leaves_no_child(cluster: Cluster, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    plugin = tmp_path / "plugin.py"
    plugin.write_text(
        f"import os, pathlib, time\npathlib.Path({str(mark)!r}).write_text(str(os.getpid()))\ntime.sleep(300)\n"
    )
    config = json.loads(cluster.kubeconfig(users.ADMIN).read_text("utf-8"))
    config["users"][0]["user"] = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": [str(plugin)],
            "interactiveMode": "Never",
        }
    }
    path = tmp_path / "config"
    path.write_text(json.dumps(config), "utf-8")

    async def use() -> None:
        with anyio.fail_after(60):
            async with Client(stdio("--kubeconfig", str(path), "--probe=none", "--no-cache")) as client:
                with anyio.move_on_after(5):
                    await client.call_tool("diagnose", {})
                assert mark.exists()
                with anyio.fail_after(10):
                    while _lives(int(mark.read_text())):  # noqa: ASYNC110 - another program ends
                        await anyio.sleep(0.1)
                assert not (await client.call_tool("explain_rule", {"rule": "flux/unexplained"})).is_error

    anyio.run(use)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


CANARY = "canary-5d1f-do-not-tell"


def test_no_secret_is_in_an_answer_or_the_log(cluster: Cluster, tmp_path: Path) -> None:
    incident.load(cluster, INCIDENTS / "multi-path-and-secret", datetime.now(UTC))
    hidden = base64.b64encode(CANARY.encode()).decode()
    cluster.admin.call("POST", "/api/v1/namespaces/flux-system/secrets", {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "webapp-git-auth", "namespace": "flux-system"},
        "data": {"username": hidden, "password": hidden},
    })  # fmt: skip
    config = cluster.kubeconfig(users.ADMIN)
    log = tmp_path / "log"
    asked: list[tuple[str, dict[str, Any]]] = [
        (tool, {}) for tool in READING if tool not in ("check_repository", "explain_rule")
    ]
    asked += [
        ("diagnose", {"kind": "secret", "name": "webapp-git-auth", "namespace": "flux-system"}),
        ("diagnose", {"kind": "source git", "name": "webapp", "namespace": "flux-system"}),
        ("diagnose", {"kind": "secret", "name": CANARY[:9], "namespace": "flux-system"}),
        ("flux_reconcile_tool", {"kind": "source git", "name": "webapp", "namespace": "flux-system", "wait_seconds": 1}),
    ]  # fmt: skip
    lines = [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        *({"jsonrpc": "2.0", "id": i, "method": "tools/call", "params": {"name": tool, "arguments": a}} for i, (tool, a) in enumerate(asked, 1)),
        {"jsonrpc": "2.0", "id": 99, "method": "resources/read", "params": {"uri": "fluxdoctor://report"}},
        {"jsonrpc": "2.0", "id": 98, "method": "no/such/method"},
    ]  # fmt: skip
    argv = [sys.executable, "-m", "fluxdoctor", "mcp", "--kubeconfig", str(config), "--allow-writes", "--no-cache"]
    with (
        log.open("w") as errors,
        subprocess.Popen(  # noqa: S603 - our own program
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("this is no JSON\n" + "".join(json.dumps(line) + "\n" for line in lines))
        process.stdin.flush()
        answers: dict[Any, str] = {}
        while len(answers) < len(asked) + 3:
            line = process.stdout.readline()
            assert line
            answers |= {json.loads(line).get("id"): line} if '"id"' in line else {}
        process.stdin.close()
        assert process.wait(20) == 0
    said = "".join(answers.values()) + log.read_text("utf-8")
    told = {"value": CANARY, "as it is stored": hidden, "token": cluster.tokens[users.ADMIN]}
    assert [what for what, secret in told.items() if secret in said] == []
    assert "webapp-git-auth" in said
