"""A call ends when its time is over or it is called off, and takes with it what it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from json import dumps
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client

from fluxdoctor.mcp.server import build
from fluxdoctor.mcp.settings import ServerSettings
from tests.mcp.clients import MODES, drive, refusal

SOURCE = {"kind": "GitRepository", "name": "flux-system"}
SYNC: list[dict[str, Any]] = [
    {
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "flux-system", "namespace": "flux-system"},
        "spec": {"interval": "1m", "url": "https://git.fleet.test/fleet.git", "ref": {"branch": "main"}},
    },
    {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "flux-system", "namespace": "flux-system"},
        "spec": {"interval": "10m", "prune": True, "path": "./prod", "sourceRef": SOURCE},
    },
]  # fmt: skip


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, and on PATH a kustomize that never ends, and neither does what it starts."""
    entry = tmp_path / "fleet" / "prod" / "flux-system"
    entry.mkdir(parents=True)
    (entry / "gotk-sync.yaml").write_text("\n---\n".join(map(dumps, SYNC)), "utf-8")
    program = tmp_path / "bin" / "kustomize"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\nsleep 300 &\necho $$ $! > {tmp_path}/pids.new\nmv {tmp_path}/pids.new {tmp_path}/pids\nwait\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return tmp_path


def lives(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def living(root: Path) -> list[str]:
    """Return the processes of the kustomize that live a moment later still."""
    pids = (root / "pids").read_text().split()
    assert len(pids) == 2
    ends = time.monotonic() + 5
    while time.monotonic() < ends and any(map(lives, pids)):
        time.sleep(0.05)
    return [pid for pid in pids if lives(pid)]


@pytest.mark.parametrize("mode", MODES)
def test_a_check_that_is_called_off_ends_its_builds(mode: str, root: Path) -> None:
    async def use(client: Client) -> float:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "check_repository", {"path": "fleet"})
            with anyio.fail_after(30):
                while not (root / "pids").exists():  # noqa: ASYNC110 - another program makes it
                    await anyio.sleep(0.05)
            group.cancel_scope.cancel()
        started = time.monotonic()
        assert not (await client.call_tool("explain_rule", {"rule": "flux/unexplained"})).is_error
        return time.monotonic() - started

    assert drive(build(ServerSettings(roots=(root,))), use, mode) < 5
    assert living(root) == []


def test_a_check_that_takes_too_long_says_so_and_ends_its_builds(root: Path) -> None:
    server = build(ServerSettings(roots=(root,), timeout=2))
    words = "the builds exceeded the time limit of the call (the server's --timeout)"
    assert refusal(server, "check_repository", path="fleet") == words
    assert living(root) == []


@pytest.mark.parametrize("how", ["close", "SIGTERM", "SIGINT"])
def test_the_end_of_the_server_is_that_of_what_it_started(how: str, tmp_path: Path) -> None:
    plugin = f"echo $$ $$ > {tmp_path}/pids.new; mv {tmp_path}/pids.new {tmp_path}/pids; exec sleep 300"
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", plugin], "interactiveMode": "Never",
        }
    }  # fmt: skip
    cluster = {"server": "https://127.0.0.1:1"}
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "a", "clusters": [{"name": "a", "cluster": cluster}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}], "users": [{"name": "a", "user": user}],
    }  # fmt: skip
    (tmp_path / "config").write_text(dumps(config), "utf-8")
    about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    lines: list[dict[str, Any]] = [
        {"id": 0, "method": "initialize", "params": about},
        {"method": "notifications/initialized"},
        {"id": 1, "method": "tools/call", "params": {"name": "diagnose", "arguments": {}}},
    ]
    argv = [sys.executable, "-m", "fluxdoctor", "mcp", "--no-cache", "--kubeconfig", str(tmp_path / "config")]
    with subprocess.Popen(  # noqa: S603 - our own program
        argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        process.stdin.write("".join(dumps({"jsonrpc": "2.0", **line}) + "\n" for line in lines))
        process.stdin.flush()
        try:
            ends = time.monotonic() + 30
            while not (tmp_path / "pids").exists() and time.monotonic() < ends:
                time.sleep(0.05)
            if how == "close":
                process.stdin.close()
            else:
                process.send_signal(signal.Signals[how])
            assert process.wait(15) == {"close": 0, "SIGTERM": 143, "SIGINT": 130}[how]
        finally:
            process.kill()
    assert living(tmp_path) == []
