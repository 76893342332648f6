"""A server in a process of its own, the official client over HTTP, and rules that hang, crash or fill the memory on demand."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import anyio
import httpx2
import psutil
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

T = TypeVar("T")
TOKEN = "0123456789abcdef-test"
ACCEPT = "application/json, text/event-stream"
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Accept": ACCEPT, "Content-Type": "application/json"}
HELLO = {
    "jsonrpc": "2.0", "id": 0, "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}  # fmt: skip
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}

PAGE = """---
severity: error
summary: Acts
message: acts
fix: Set it.
---
# Acts

Acts as the name of the object says.
"""
CHECK = """
import os, re, signal, subprocess, sys, time
from fluxdoctor import Cluster, Problem

def start():
    child = subprocess.Popen(["sleep", "300"], start_new_session=True)
    open(os.environ["PIDS"], "a").write(f"{child.pid}\\n")

def check(cluster: Cluster):
    for one in cluster.all("Kustomization"):
        if one.name == "regex":
            start()
            re.match("(a|a)*b", "a" * 60)
        if one.name == "loop":
            start()
            while True:
                time.sleep(0.01)
        if one.name == "memory":
            keep = []
            while True:
                keep.append(bytearray(1 << 24))
        if one.name == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if one.name == "exit":
            os._exit(7)
        if one.name == "print":
            print("noise" * 1000)
            sys.stdout.flush()
            os.write(1, b"noise")
    return iter(())
"""


def write_world(root: Path, name: str) -> None:
    """Write a snapshot with one Kustomization of that name, which the rule below acts on."""
    folder = root / name
    (folder / "cluster").mkdir(parents=True)
    listed = "listed: [{kind: Kustomization, namespaces: all}]\n"
    (folder / "snapshot.yaml").write_text(f"format: 1\ntaken: 2026-01-02T03:04:05Z\n{listed}", "utf-8")
    (folder / "cluster" / "all.yaml").write_text(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        f"metadata: {{name: {name}, namespace: apps}}\nspec: {{interval: 10m, prune: true}}\n",
        "utf-8",
    )


def write_pack(folder: Path) -> None:
    """Install a pack of rules: what is on PYTHONPATH with metadata is installed."""
    area = folder / "acting_rules" / "acting"
    area.mkdir(parents=True)
    (area.parent / "__init__.py").touch()
    (area / "__init__.py").touch()
    (area / "acts.md").write_text(PAGE, "utf-8")
    (area / "acts.py").write_text(CHECK, "utf-8")
    about = folder / "acting_rules-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acting-rules\nVersion: 1.0\n", "utf-8")
    (about / "entry_points.txt").write_text("[fluxdoctor.rules]\nacting = acting_rules\n", "utf-8")


@dataclass
class Site:
    """A folder with a root for clients, the pack, a folder for temporary files, and the environment of a server."""

    path: Path

    def __post_init__(self) -> None:
        for name in ("root", "tmp"):
            (self.path / name).mkdir()
        (self.path / "token").write_text(TOKEN, "utf-8")
        (self.path / "pids").touch()
        write_pack(self.path / "packs")

    @property
    def root(self) -> Path:
        """Where clients may name snapshots."""
        return self.path / "root"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a server."""
        paths = [str(self.path / "packs"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        more = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "PIDS": str(self.path / "pids")}
        return {**os.environ, **more, "TMPDIR": str(self.path / "tmp")}

    @property
    def children(self) -> list[int]:
        """The processes that rules started, of those that live."""
        pids = [int(line) for line in (self.path / "pids").read_text().split()]
        return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"]

    def command(self, *arguments: str) -> list[str]:
        """Return how to start a server."""
        return [sys.executable, "-m", "fluxdoctor", "mcp", "--no-cache", "--root", str(self.root), *arguments]

    @contextmanager
    def serving(self, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
        """Serve over HTTP; give the URL and the process."""
        token = str(self.path / "token")
        log = self.path / "log"
        with log.open("w") as errors, subprocess.Popen(  # noqa: S603 - our own program
            self.command("--transport", "http", "--port", "0", "--token-file", token, *arguments),
            stderr=errors, env=self.environment, text=True,
        ) as process:  # fmt: skip
            try:
                yield _url(log), process
            finally:
                process.kill()


def _url(log: Path) -> str:
    url = until(lambda: re.search(r"http://\S+", log.read_text()), 60)
    assert url
    until(lambda: _answers(url[0]), 30)
    return url[0]


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=5).status_code > 0
    except httpx2.HTTPError:
        return False


def until(condition: Callable[[], T], seconds: float) -> T:
    """Return the first value that is true, or the last one after so many seconds."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return value


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the processes of a server that live."""
    try:
        return [child for child in psutil.Process(process.pid).children(recursive=True) if child.status() != "zombie"]
    except psutil.NoSuchProcess:
        return []


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[list[float]]:
    """Measure the seconds that the end of a server takes, from the end of the block; none of its processes outlives it."""
    there = workers(process)
    seconds: list[float] = []
    yield seconds
    began = time.monotonic()
    process.wait(30)
    seconds.append(time.monotonic() - began)
    assert [child.pid for child in there if child.is_running() and child.status() != "zombie"] == []


async def with_client(url: str, use: Callable[[Client], Awaitable[T]], mode: str = "auto") -> T:
    """Use one connection of the official client over HTTP."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": HEADERS["Authorization"]}, timeout=60) as web,
        Client(streamable_http_client(url, http_client=web), mode=mode) as client,
    ):
        return await use(client)


async def text_of(client: Client, tool: str, **arguments: Any) -> str:
    """Call a tool; return the text of its answer or of its refusal."""
    answer = await client.call_tool(tool, arguments)
    return str(getattr(answer.content[0], "text", ""))


async def until_async(condition: Callable[[], Any], seconds: float) -> None:
    """Wait until a condition is true. Raises TimeoutError."""
    with anyio.fail_after(seconds):
        while not condition():  # noqa: ASYNC110 - another process changes it
            await anyio.sleep(0.05)


def stop(process: subprocess.Popen[str], how: str) -> None:
    """End a server as its user does."""
    if how == "close":
        assert process.stdin
        process.stdin.close()
    else:
        process.send_signal(signal.Signals[how])
