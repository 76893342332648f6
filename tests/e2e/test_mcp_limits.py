"""The MCP server with another's client, in large and sick clusters, with little right, with two clients at once, and in time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
from mcp.client import Client

from fluxdoctor.collect.kube.login import ClusterLogin
from fluxdoctor.collect.live import Probing
from fluxdoctor.mcp.answers import compact
from fluxdoctor.mcp.server import build
from fluxdoctor.mcp.settings import ServerSettings
from tests.e2e import build as parts
from tests.e2e import fleet, incident, users
from tests.e2e.cluster import Cluster
from tests.e2e.fault_proxy import FaultProxy
from tests.e2e.incident import INCIDENTS
from tests.mcp.clients import READING, WRITING, call, drive, refusal

INCIDENT = INCIDENTS / "cascade-chain-top"
DEMO = Path(__file__).resolve().parents[2] / "fluxdoctor" / "demo"


def server(cluster: Cluster, user: str = users.ADMIN, *, url: str = "", **more: Any) -> Any:
    login = ClusterLogin(str(cluster.kubeconfig(user, server=url)))
    return build(ServerSettings(login=login, probing=Probing.NONE, **more))


def inspect(cluster: Cluster, *arguments: str) -> Any:
    """Run the Inspector's command line on a server of its own, and return what it prints."""
    ours = [sys.executable, "-m", "fluxdoctor", "mcp", "--kubeconfig", str(cluster.kubeconfig(users.ADMIN))]
    argv = [str(parts.inspector()), "--cli", *ours, "--probe=none", "--no-cache", "--allow-writes", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - built by us
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_inspector_lists_and_calls_the_tools(cluster: Cluster) -> None:
    incident.load(cluster, INCIDENT, datetime.now(UTC))
    listed = inspect(cluster, "--method", "tools/list")["tools"]
    assert sorted(tool["name"] for tool in listed) == sorted((*READING, *WRITING))
    assert {tool["name"] for tool in listed if not tool["annotations"]["readOnlyHint"]} == set(WRITING)
    assert all(tool["outputSchema"]["type"] == "object" for tool in listed)
    app = ["--tool-arg", "kind=ks", "--tool-arg", "name=apps", "--tool-arg", "namespace=flux-system"]
    for tool in listed:
        name, arguments = tool["name"], ["--tool-arg", "namespace=flux-system"]
        if name in WRITING:
            arguments = [*app, "--tool-arg", "dry_run=true"]
        elif name == "explain_rule":
            arguments = ["--tool-arg", "rule=kustomize/path-not-found"]
        elif name == "check_repository":
            continue  # it needs a root
        answer = inspect(cluster, "--method", "tools/call", "--tool-name", name, *arguments)
        assert not answer.get("isError"), answer
        assert answer["structuredContent"] == json.loads(answer["content"][0]["text"])


def test_a_cluster_of_5000_objects_stays_within_the_budget(cluster: Cluster) -> None:
    counted = fleet.load(cluster, 5000, broken_every=2)
    reads = server(cluster)

    async def use(client: Client) -> dict[str, dict[str, Any]]:
        found = {}
        for tool in READING:
            if tool not in ("check_repository", "explain_rule"):
                found[tool] = dict((await client.call_tool(tool, {})).structured_content or {})
        return found

    answers = drive(reads, use)
    assert answers["flux_kustomizations_list_tool"]["total"] == counted["Kustomization"]
    assert answers["diagnose"]["verdict"] == "broken"
    assert {tool: size for tool, body in answers.items() if (size := len(compact(body))) > 3 * 2000} == {}
    assert answers["flux_helmreleases_list_tool"]["cursor"] != ""


def test_little_right_gives_a_partial_answer_with_its_gaps(cluster: Cluster) -> None:
    incident.load(cluster, INCIDENT, datetime.now(UTC))
    answer = call(server(cluster, users.ONE_NAMESPACE), "diagnose", max_tokens=5000)
    assert [f["rule"] for f in answer["findings"] if f["severity"] == "error"] == ["kustomize/path-not-found"]
    assert answer["not_seen_total"] > 0
    assert any(f"{users.ONE_NAMESPACE} cannot list it in all namespaces" in why for why in answer["not_seen"])


def test_who_may_read_one_namespace_alone_is_told_of_an_object_in_it(cluster: Cluster) -> None:
    incident.load(cluster, INCIDENTS / "hr-dependson-missing", datetime.now(UTC))
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}]
    for body in users.grant("Role", users.NO_RIGHTS, rules, "backend"):
        plural = f"{body['kind'].lower()}s"
        cluster.admin.call("POST", f"/apis/rbac.authorization.k8s.io/v1/namespaces/backend/{plural}", body)
    object_ = {"kind": "hr", "name": "redis", "namespace": "backend"}
    answer = call(server(cluster, users.NO_RIGHTS), "diagnose", **object_)
    assert (answer["object"]["name"], answer["object"]["state"], answer["not_seen_total"] > 0) == (
        "redis",
        "failed",
        True,
    )
    assert [f["rule"] for f in answer["findings"]] == ["helm/dependency-missing"]


def test_the_api_server_goes_away_and_comes_back(cluster: Cluster, proxy: FaultProxy) -> None:
    incident.load(cluster, INCIDENT, datetime.now(UTC))
    reads = server(cluster, url=proxy.url, timeout=15)
    rules = ["kustomize/path-not-found"]
    assert [f["rule"] for f in call(reads, "diagnose")["findings"]][:1] == rules
    proxy.fault("/", kind="503")
    assert "does not answer" in refusal(reads, "diagnose", fresh=True)
    assert [f["rule"] for f in call(reads, "diagnose")["findings"]][:1] == rules  # the reading of before, and its age
    proxy.clear()
    assert [f["rule"] for f in call(reads, "diagnose", fresh=True)["findings"]][:1] == rules


def test_two_clients_at_once_share_one_reading(cluster: Cluster, proxy: FaultProxy) -> None:
    incident.load(cluster, INCIDENT, datetime.now(UTC))
    reads = server(cluster, url=proxy.url)
    found: list[Any] = []

    async def one() -> None:
        async with Client(reads) as client:
            found.append((await client.call_tool("diagnose", {})).structured_content)

    async def both() -> None:
        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                group.start_soon(one)
                group.start_soon(one)

    anyio.run(both)
    assert [{**f, "age_seconds": 0} for f in found] == [{**found[0], "age_seconds": 0}] * 2
    asked = [seen for seen in proxy.requests if seen.path.endswith("/kustomizations")]
    assert len(asked) == 1


def test_a_connected_client_has_its_first_diagnosis_within_the_time_of_the_command_line() -> None:
    def commanded() -> float:
        started = time.monotonic()
        argv = [
            sys.executable,
            "-m",
            "fluxdoctor",
            "diagnose",
            "--from",
            str(DEMO),
            "--format",
            "json",
            "--fail-on",
            "never",
        ]
        subprocess.run(argv, check=True, capture_output=True, timeout=60)  # noqa: S603 - our own program
        return time.monotonic() - started

    def served() -> tuple[float, float]:
        reads = build(ServerSettings(snapshot=DEMO))

        async def use(client: Client) -> tuple[float, float]:
            times = []
            for _ in range(2):
                started = time.monotonic()
                assert not (await client.call_tool("diagnose", {})).is_error
                times.append(time.monotonic() - started)
            return times[0], times[1]

        return drive(reads, use)

    by_command = min(commanded() for _ in range(3))
    first, later = served()
    assert first <= 1.5 * by_command
    assert later <= 0.25 * by_command
