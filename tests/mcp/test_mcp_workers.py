"""A call that does not end, crashes or needs too much memory is ended alone: the server and all other clients go on."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest
from mcp.client import Client

from tests.mcp.clients import MODES, READING
from tests.mcp.processes import (
    HEADERS,
    HELLO,
    READY,
    Site,
    ended,
    stop,
    text_of,
    until,
    until_async,
    with_client,
    workers,
    write_world,
)

QUICK = 10  # seconds, for what takes a hundredth of it: the machine of the tests is shared


@pytest.fixture
def site(tmp_path: Path) -> Site:
    one = Site(tmp_path)
    for name in ("regex", "loop", "memory", "crash", "exit", "print", "well", "good"):
        write_world(one.root, name)
    return one


def run(main: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
    async def within() -> Any:
        with anyio.fail_after(120):
            return await main(*arguments)

    return anyio.run(within)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("world", ["regex", "loop"])
def test_a_call_that_hangs_is_ended_and_others_are_answered_meanwhile(site: Site, world: str, mode: str) -> None:
    async def main(url: str) -> tuple[str, list[str], list[float], str]:
        refusals: list[str] = []
        times: list[float] = []
        texts: list[str] = []

        async def hang(client: Client) -> None:
            refusals.append(await text_of(client, "diagnose", path=world))
            texts.append(await text_of(client, "diagnose", path="well"))

        async def other(client: Client) -> list[str]:
            await until_async(lambda: site.children, 60)
            began = time.monotonic()
            names = sorted(tool.name for tool in (await client.list_tools()).tools)
            times.append(time.monotonic() - began)
            await client.call_tool("explain_rule", {"rule": "flux/unexplained"})
            times.append(time.monotonic() - began)
            answer = await client.call_tool("diagnose", {"path": "good"})
            assert (answer.structured_content or {})["objects"] == 1
            assert refusals == []  # the other call still hangs
            return names

        async with anyio.create_task_group() as group:
            group.start_soon(with_client, url, hang, mode)
            names = await with_client(url, other, mode)
        return refusals[0], names, times, texts[0]

    with site.serving("--timeout", "12s") as (url, process):
        refusal, names, times, text = run(main, url)
        assert process.poll() is None
        assert until(lambda: not site.children, 5)
    assert refusal == (
        "Error executing tool diagnose: no answer within 12 s (the server's --timeout), so the process of this call was ended: "
        "ask for less (one namespace, object or folder), or set a higher limit"
    )
    assert names == READING
    assert max(times) < 5
    assert json.loads(text)["objects"] == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("world", ["regex", "loop"])
def test_a_call_that_the_client_cancels_ends_with_all_that_it_started(site: Site, world: str, mode: str) -> None:
    async def main(url: str) -> None:
        async def use(client: Client) -> None:
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "diagnose", {"path": world})
                await until_async(lambda: site.children, 60)
                group.cancel_scope.cancel()
            await until_async(lambda: not site.children, QUICK)
            assert json.loads(await text_of(client, "diagnose", path="well"))["objects"] == 1

        await with_client(url, use, mode)

    with site.serving("--timeout", "300s") as (url, _):
        run(main, url)


def opened(url: str) -> dict[str, str]:
    """Begin a session; return the headers of its requests."""
    answer = httpx2.post(url, json=HELLO, headers=HEADERS, timeout=30)
    headers = {**HEADERS, "Mcp-Session-Id": answer.headers["mcp-session-id"]}
    httpx2.post(url, json=READY, headers=headers, timeout=30)
    return headers


def call(number: int, **arguments: Any) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": number,
        "method": "tools/call",
        "params": {"name": "diagnose", "arguments": arguments},
    }


@pytest.mark.parametrize("is_stateless", [False, True])
def test_a_call_whose_client_goes_away_ends(site: Site, is_stateless: bool) -> None:
    with site.serving("--timeout", "300s") as (url, _):
        headers, body = opened(url), json.dumps(call(1, path="regex"))
        if is_stateless:
            meta = {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            }
            request = call(1, path="regex")
            request["params"]["_meta"] = meta
            body = json.dumps(request)
            headers = {
                **HEADERS, "Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "diagnose",
            }  # fmt: skip
        port = urlsplit(url).port
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        with socket.create_connection(("127.0.0.1", port)) as connection:
            request_line = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            connection.sendall(f"{request_line}{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            assert until(lambda: site.children, 60)
        assert until(lambda: not site.children, QUICK)


@pytest.mark.parametrize(
    ("world", "words"),
    [
        (
            "memory", "this call needs more memory than 600 MiB (the server's --memory): ask for less (one namespace, object or "
            "folder), or set a higher limit",
        ),
        ("crash", "the process of this call ended unexpectedly (signal SIGSEGV): call again, or ask for less"),
        ("exit", "the process of this call ended unexpectedly (exit code 7): call again, or ask for less"),
    ],
)  # fmt: skip
def test_a_call_that_ends_its_process_says_so_and_the_next_is_answered(site: Site, world: str, words: str) -> None:
    async def main(url: str) -> tuple[str, str]:
        async def use(client: Client) -> tuple[str, str]:
            return await text_of(client, "diagnose", path=world), await text_of(client, "diagnose", path="well")

        return await with_client(url, use)

    with site.serving("--memory", "600", "--workers", "1") as (url, _):
        refusal, text = run(main, url)
    assert refusal == f"Error executing tool diagnose: {words}"
    assert json.loads(text)["objects"] == 1


def test_what_a_call_prints_is_no_part_of_the_protocol(site: Site) -> None:
    async def main(url: str) -> str:
        async def use(client: Client) -> str:
            return await text_of(client, "diagnose", path="print")

        return await with_client(url, use)

    with site.serving() as (url, _):
        assert json.loads(run(main, url))["objects"] == 1


def test_calls_use_the_same_process_again_and_no_more_than_there_may_be(site: Site) -> None:
    async def main(url: str, process: subprocess.Popen[str]) -> None:
        async def use(client: Client) -> None:
            await client.call_tool("diagnose", {"path": "well"})
            first = {child.pid for child in workers(process)}
            for _ in range(3):
                await client.call_tool("diagnose", {"path": "well", "fresh": True})
            assert {child.pid for child in workers(process)} == first
            async with anyio.create_task_group() as group:
                for name in ("well", "good", "print", "link1", "link2", "link3"):
                    group.start_soon(client.call_tool, "diagnose", {"path": name})
            assert len(workers(process)) == 2

        await with_client(url, use)

    for name in ("link1", "link2", "link3"):
        write_world(site.root, name)
    with site.serving("--workers", "2") as (url, process):
        run(main, url, process)


def test_one_session_cannot_take_all_processes_nor_wait_with_any_number_of_calls(site: Site) -> None:
    async def main(url: str) -> tuple[list[str], str]:
        texts: list[str] = []

        async def many(client: Client) -> None:
            async def one(number: int) -> None:
                texts.append(await text_of(client, "diagnose", path="loop" if number < 2 else f"loop/../loop{number}"))

            async with anyio.create_task_group() as group:
                for number in range(30):
                    group.start_soon(one, number)

        async def other(client: Client) -> str:
            await until_async(lambda: len(site.children) >= 1 and len(texts) >= 14, 60)
            return await text_of(client, "diagnose", path="well")

        async with anyio.create_task_group() as group:
            group.start_soon(with_client, url, many, "legacy")
            answer = await with_client(url, other, "legacy")
            group.cancel_scope.cancel()
        return texts, answer

    with site.serving("--workers", "2", "--timeout", "60s") as (url, _):
        texts, answer = run(main, url)
    words = "this session has 16 calls already: wait for an answer, then call again"
    assert texts == [f"Error executing tool diagnose: {words}"] * 14
    assert json.loads(answer)["objects"] == 1


@pytest.mark.parametrize("world", ["regex", "loop"])
@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_server_at_once_with_calls_running(site: Site, how: str, world: str) -> None:
    with site.serving("--timeout", "300s") as (url, process):
        headers = opened(url)
        with httpx2.stream("POST", url, json=call(1, path=world), headers=headers, timeout=60):
            assert until(lambda: site.children, 60)
            with ended(process) as seconds:
                stop(process, how)
    assert process.returncode == {"SIGTERM": 143, "SIGINT": 130}[how]
    assert seconds[0] < 4
    assert (site.children, list((site.path / "tmp").iterdir())) == ([], [])


@pytest.mark.parametrize("world", ["regex", "loop"])
@pytest.mark.parametrize("how", ["close", "SIGTERM", "SIGINT", "SIGKILL"])
def test_over_stdio_the_end_is_as_quick(site: Site, how: str, world: str) -> None:
    if (how, world) == ("SIGKILL", "regex"):
        pytest.skip("the alarm of the process ends it, later than a test can wait")
    with subprocess.Popen(  # noqa: S603 - our own program
        site.command("--timeout", "300s"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=site.environment, text=True
    ) as process:  # fmt: skip
        assert process.stdin
        process.stdin.write("".join(json.dumps(line) + "\n" for line in (HELLO, READY, call(1, path=world))))
        process.stdin.flush()
        assert until(lambda: site.children, 60)
        there = workers(process)
        began = time.monotonic()
        stop(process, how)
        assert process.wait(30) == {"close": 0, "SIGTERM": 143, "SIGINT": 130, "SIGKILL": -9}[how]
        seconds = time.monotonic() - began
    if how == "SIGKILL":  # the worker is alone, and ends by itself; what the rule started is nobody's any more
        assert until(lambda: not any(child.is_running() for child in there[:1]), 10)
        return
    assert seconds < 4
    assert [child.pid for child in there if child.is_running() and child.status() != "zombie"] == []
    assert (site.children, list((site.path / "tmp").iterdir())) == ([], [])
