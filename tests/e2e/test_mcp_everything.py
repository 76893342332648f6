"""The official client drives every tool, resource and prompt, over both transports and in both protocol versions."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from tests.e2e import incident, users
from tests.e2e.cluster import Cluster
from tests.e2e.incident import INCIDENTS
from tests.mcp.clients import MODES, READING, WRITING, stdio

NAME = "multi-path-and-secret"
TOKEN = "a-token-of-the-test-0123"
APP = {"kind": "ks", "name": "apps", "namespace": "flux-system", "dry_run": True}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "check_repository": {"path": "fleet"},
    "explain_rule": {"rule": "kustomize/path-not-found"},
    **dict.fromkeys(WRITING, APP),
}
PROMPTS = {
    "triage_cluster": {}, "check_before_merge": {"path": "fleet"}, "explain_finding": {"fingerprint": "00"},
    "plan_maintenance": {"kind": "ks", "name": "apps", "namespace": "flux-system"},
}  # fmt: skip


def options(cluster: Cluster, root: Path) -> list[str]:
    """Options of a server that changes what it may, and reads the repository of the incident in a folder of its own."""
    shutil.copytree(INCIDENTS / NAME / "git" / "flux-system" / "flux-system", root / "fleet", dirs_exist_ok=True)
    config = str(cluster.kubeconfig(users.ADMIN))
    return ["--kubeconfig", config, "--probe", "none", "--no-cache", "--allow-writes", "--root", str(root)]


@contextmanager
def serving(cluster: Cluster, token: Path) -> Iterator[str]:
    """Serve over HTTP on a free port, and lend the address."""
    token.write_text(TOKEN, "utf-8")
    argv = [sys.executable, "-m", "fluxdoctor", "mcp", "--transport", "http", "--port", "0", "--token-file", str(token)]
    with subprocess.Popen([*argv, *options(cluster, token.parent)], stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        try:
            assert process.stderr is not None
            yield process.stderr.readline().removeprefix("fluxdoctor mcp: ").strip()
        finally:
            process.terminate()
            process.wait(10)


@asynccontextmanager
async def connected(url: str, mode: str) -> Any:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


async def everything(client: Client) -> None:
    tools = sorted(tool.name for tool in (await client.list_tools()).tools)
    assert tools == sorted((*READING, *WRITING))
    for tool in tools:
        answer = await client.call_tool(tool, ARGUMENTS.get(tool, {}))
        assert (answer.is_error, bool(answer.structured_content)) == (False, True), (tool, answer.content)
    for uri in ("fluxdoctor://rules", "fluxdoctor://rules/kustomize/path-not-found", "fluxdoctor://report"):
        (content,) = (await client.read_resource(uri)).contents
        assert len(getattr(content, "text", "")) > 200, uri
    await client.call_tool("diagnose", {"fresh": True})
    (content,) = (await client.read_resource("fluxdoctor://graph")).contents
    assert ":::cause" in getattr(content, "text", "")
    assert {p.name for p in (await client.list_prompts()).prompts} == set(PROMPTS)
    for prompt, arguments in PROMPTS.items():
        assert len((await client.get_prompt(prompt, arguments)).messages) == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_everything_works(transport: str, mode: str, cluster: Cluster, tmp_path: Path) -> None:
    incident.load(cluster, INCIDENTS / NAME, datetime.now(UTC))

    async def over_stdio() -> None:
        with anyio.fail_after(90):
            async with Client(stdio(*options(cluster, tmp_path)), mode=mode) as client:
                await everything(client)

    async def over_http(url: str) -> None:
        with anyio.fail_after(90):
            async with connected(url, mode) as client:
                await everything(client)

    if transport == "stdio":
        anyio.run(over_stdio)
        return
    with serving(cluster, tmp_path / "token") as url:
        anyio.run(over_http, url)
