"""Measures an agent's first diagnosis, against the command line's time for the same: `python benchmarks/mcp.py [SNAPSHOT]`.

The client only writes lines to a pipe, so that all the time is the server's. A real client starts its servers when it starts
itself, so an agent waits only for the call. The total from the start of the process is shown too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
_RUNS = 7
_CLIENT: dict[str, Any] = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "1"},
}


def main() -> int:
    """Print the shortest of some alternating runs, and their ratios to the command line."""
    snapshot = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "fluxdoctor" / "demo")
    rows = [(_time_command(snapshot), *_time_server(snapshot)) for _ in range(_RUNS)]
    command_seconds, *server_times = (min(column) for column in zip(*rows, strict=True))
    print(f"fluxdoctor diagnose --format json: {command_seconds:.2f} s")
    steps = ("start and initialize", "first diagnose", "a later one", "all until the first")
    for label, seconds in zip(steps, server_times, strict=True):
        print(f"{label}: {seconds:.3f} s, {seconds / command_seconds:.2f} times the command line")
    return 0


def _time_command(snapshot: str) -> float:
    argv = [
        sys.executable,
        "-m",
        "fluxdoctor",
        "diagnose",
        "--from",
        snapshot,
        "--format",
        "json",
        "--fail-on",
        "never",
    ]
    started = time.monotonic()
    subprocess.run(argv, check=True, capture_output=True, timeout=120)  # noqa: S603 - our own program
    return time.monotonic() - started


def _time_server(snapshot: str) -> tuple[float, float, float, float]:
    started = time.monotonic()
    with _server(snapshot) as process:
        _request(process, 1, "initialize", _CLIENT)
        _send(process, {"method": "notifications/initialized"})
        ready = time.monotonic()
        _request(process, 2, "tools/call", {"name": "diagnose", "arguments": {}})
        first = time.monotonic()
        _request(process, 3, "tools/call", {"name": "diagnose", "arguments": {}})
        later = time.monotonic()
    return ready - started, first - ready, later - first, first - started


@contextmanager
def _server(snapshot: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-m", "fluxdoctor", "mcp", "--from", snapshot]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        yield process
        assert process.stdin
        process.stdin.close()
        process.wait(20)


def _send(process: subprocess.Popen[str], body: dict[str, Any]) -> None:
    assert process.stdin
    process.stdin.write(json.dumps({"jsonrpc": "2.0", **body}) + "\n")
    process.stdin.flush()


def _request(process: subprocess.Popen[str], number: int, method: str, params: dict[str, Any]) -> None:
    _send(process, {"id": number, "method": method, "params": params})
    assert process.stdout
    while True:
        answer = json.loads(process.stdout.readline())
        if answer.get("id") == number:
            assert "result" in answer, answer
            return


if __name__ == "__main__":
    sys.exit(main())
