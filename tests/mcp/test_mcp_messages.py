"""Messages that no client sends: each is refused or answered, the next one is answered at once, and the log has no trace."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from fluxdoctor.mcp.stdio import BoundedLines
from tests.mcp.clients import INCIDENTS
from tests.mcp.processes import HEADERS, HELLO, READY, Site

PROBE = {"jsonrpc": "2.0", "id": "probe", "method": "tools/list"}
SECONDS = 8  # for an answer: a hundredth of it, if the machine is not shared
SNAPSHOT = ("--from", str(INCIDENTS / "cascade-chain-top"))


def call(number: Any = 1, name: Any = "diagnose", arguments: Any = None) -> bytes:
    parameters = {"name": name, "arguments": {} if arguments is None else arguments}
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": parameters}).encode()


def request(method: str, **parameters: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()


def nested(levels: int) -> bytes:
    return call(arguments={"kind": 0}).replace(b"0}}}", b"[" * levels + b"]" * levels + b"}}}")


MESSAGES = {
    "no JSON": b"{" * 10,
    "no UTF-8": b'\xff\xfe{"jsonrpc":"2.0"}',
    "no UTF-8 in a text": call(arguments={"kind": "?"}).replace(b"?", b"\xff\xfe"),
    "half a surrogate": call(arguments={"kind": "?", "name": "?"}).replace(b"?", b"\\ud800"),
    "control characters": call("\0\x1b[31m", arguments={"kind": "\0\x1b[31m", "name": "\u202e"}),
    "deep": b"[" * 100_000,
    "deep argument": nested(5000),
    "less deep argument": nested(150),
    "deep object": request("tools/call", a=0).replace(b"0", b'{"a":' * 180 + b"1" + b"}" * 180),
    "batch": b"[" + b",".join(call(number) for number in range(1000)) + b"]",
    **{f"id {kind}": call(value) for kind, value in {
        "null": None, "fraction": 1.5, "true": True, "list": [1], "object": {"a": 1}, "negative": -1, "long": "x" * 100_000,
    }.items()},
    "id of many digits": call(0).replace(b'"id": 0', b'"id": ' + b"9" * 4000),
    "number of many digits": call(arguments={"max_tokens": 0}).replace(b"0}", b"9" * 5000 + b"}"),
    "no number": call(arguments={"max_tokens": 0}).replace(b"0}", b"NaN}"),
    "list of arguments": call(arguments=[1]),
    "name that is a number": call(name=7),
    "long argument": call(arguments={"kind": "x" * 200_000}),
    "long rule": call(name="explain_rule", arguments={"rule": "helm/chart-" * 1400}),
    "long tool": call(name="diagnose" * 20_000),
    "many arguments": call(arguments={str(number): number for number in range(10_000)}),
    "long resource": request("resources/read", uri=f"fluxdoctor://rules/helm/{'chart-' * 30_000}"),
    "other resource": request("resources/read", uri="file:///etc/passwd"),
    "long completion": request(
        "completion/complete", ref={"type": "ref/prompt", "name": "plan_maintenance"},
        argument={"name": "name", "value": "x" * 200_000},
    ),
    "long prompt": request("prompts/get", name="check_before_merge", arguments={"path": "<`" * 60_000}),
    "unknown prompt": request("prompts/get", name="x" * 100_000),
    "unknown method": request("x" * 100_000),
    "odd progress token": request("tools/call", name="explain_rule", arguments={}, _meta={"progressToken": {"a": 1}}),
    "cancel of nothing": json.dumps({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "x"}}).encode(),
    "answer to nothing": b'{"jsonrpc":"2.0","id":99,"result":{}}',
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("messages"))


def has_trace(log: str) -> bool:
    """Tell whether a log has more than short lines of our own."""
    lines = log.splitlines()
    return any(not line.startswith("fluxdoctor mcp: ") or len(line) > 400 or "xxxxx" in line for line in lines)


def test_over_http(site: Site) -> None:
    failures: list[str] = []
    with site.serving(*SNAPSHOT) as (url, process), httpx2.Client(timeout=SECONDS) as web:
        session = {**HEADERS, "Mcp-Session-Id": web.post(url, json=HELLO, headers=HEADERS).headers["mcp-session-id"]}
        web.post(url, json=READY, headers=session)
        for name, message in MESSAGES.items():
            status = web.post(url, content=message, headers=session).status_code
            answer = web.post(url, json=PROBE, headers=session)
            if status >= 500 or answer.status_code != 200 or '"diagnose"' not in answer.text:
                failures.append(f"{name}: {status}, then {answer.status_code}")
        too_large = web.post(url, content=b" " * 300_000, headers=session).status_code
        assert process.poll() is None
    assert (failures, too_large, has_trace((site.path / "log").read_text())) == ([], 413, False)


@contextmanager
def stdio(site: Site) -> Iterator[tuple[subprocess.Popen[bytes], queue.Queue[bytes]]]:
    lines: queue.Queue[bytes] = queue.Queue()
    log = (site.path / "stdio.log").open("w")
    argv = [sys.executable, "-m", "fluxdoctor", "mcp", "--no-cache", *SNAPSHOT]
    with log, subprocess.Popen(  # noqa: S603 - our own program
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=site.environment
    ) as process:  # fmt: skip
        output = process.stdout
        assert output

        def read() -> None:
            for line in output:
                lines.put(line)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        try:
            yield process, lines
        finally:
            process.kill()
            thread.join(10)


def test_over_stdio(site: Site) -> None:
    failures: list[str] = []
    with stdio(site) as (process, lines):

        def send(message: bytes) -> None:
            assert process.stdin
            process.stdin.write(message + b"\n")
            process.stdin.flush()

        for begin in (HELLO, READY):
            send(json.dumps(begin).encode())
        lines.get(timeout=30)
        for name, message in {**MESSAGES, "30 MB": b"x" * 30_000_000, "blank": b"", "NUL": b"\0" * 100}.items():
            send(message)
            send(json.dumps(PROBE).encode())
            try:
                while b'"id":"probe"' not in lines.get(timeout=SECONDS):
                    pass
            except queue.Empty:
                failures.append(name)
                break
        assert process.poll() is None
        assert process.stdin
        process.stdin.close()
        assert process.wait(10) == 0
    assert (failures, has_trace((site.path / "stdio.log").read_text())) == ([], False)


def test_a_line_without_end_is_not_read_into_memory(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_bytes(b"one\n" + b"x" * 100 + b"\ntwo\n" + b"\xff\n" + b"exactly10\n" + b"end")
    with file.open("rb") as lines:
        reader = BoundedLines(lines, 10)
        texts = [reader.read() for _ in range(7)]
    assert texts == ["one\n", "a line that is too long", "two\n", "\ufffd\n", "exactly10\n", "end", ""]
