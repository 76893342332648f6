"""How soon an agent has its first diagnosis, against the command line's time for the same: `python benchmarks/mcp.py [SNAPSHOT]`.

The client is nothing but lines over a pipe, so that all the time is the server's. A client starts its servers when it starts
itself: what an agent waits for is the call. The whole, from the start of the process, is shown too.
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
_ABOUT: dict[str, Any] = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "1"},
}


def main() -> int:
    """Print the shortest of some runs that take turns, and their ratios to the command line's."""
    snapshot = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "fluxdoctor" / "demo")
    rows = [(_commanded(snapshot), *_served(snapshot)) for _ in range(_RUNS)]
    command, *served = (min(column) for column in zip(*rows, strict=True))
    print(f"fluxdoctor diagnose --format json: {command:.2f} s")
    steps = ("start and initialize", "first diagnose", "a later one", "all until the first")
    for what, seconds in zip(steps, served, strict=True):
        print(f"{what}: {seconds:.3f} s, {seconds / command:.2f} times the command line")
    return 0


def _commanded(snapshot: str) -> float:
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


def _served(snapshot: str) -> tuple[float, float, float, float]:
    started = time.monotonic()
    with _server(snapshot) as process:
        _ask(process, 1, "initialize", _ABOUT)
        _tell(process, {"method": "notifications/initialized"})
        ready = time.monotonic()
        _ask(process, 2, "tools/call", {"name": "diagnose", "arguments": {}})
        first = time.monotonic()
        _ask(process, 3, "tools/call", {"name": "diagnose", "arguments": {}})
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


def _tell(process: subprocess.Popen[str], body: dict[str, Any]) -> None:
    assert process.stdin
    process.stdin.write(json.dumps({"jsonrpc": "2.0", **body}) + "\n")
    process.stdin.flush()


def _ask(process: subprocess.Popen[str], number: int, method: str, params: dict[str, Any]) -> None:
    _tell(process, {"id": number, "method": method, "params": params})
    assert process.stdout
    while True:
        answer = json.loads(process.stdout.readline())
        if answer.get("id") == number:
            assert "result" in answer, answer
            return


if __name__ == "__main__":
    sys.exit(main())
