"""Over HTTP, nobody is answered who should not be, and nobody can keep the others from being answered."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest
import uvicorn
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from fluxdoctor.mcp import http
from fluxdoctor.mcp.server import build
from fluxdoctor.mcp.settings import ServerSettings
from tests.mcp.clients import MODES, hanging, of

TOKEN = "0123456789abcdef-test"
GOOD = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json, text/event-stream"}
EVERY = "0.0.0.0"  # noqa: S104 - it must be refused
HELLO = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}  # fmt: skip


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, token: str = TOKEN, serves: Any = None, **more: Any) -> Iterator[str]:
    """Serve a server, or the incident of the tests, from a thread, on a free port of the loopback interface."""
    told: list[str] = []
    servers: list[uvicorn.Server] = []
    ready = threading.Event()

    class Kept(uvicorn.Server):
        def __init__(self, config: uvicorn.Config) -> None:
            super().__init__(config)
            servers.append(self)

    monkeypatch.setattr(uvicorn, "Server", Kept)
    server = serves or of("cascade-chain-top")

    def tell(url: str) -> None:
        told.append(url)
        ready.set()

    def run() -> None:
        http.serve(server, http.ListenAddress(token=token, **more), tell)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(30)
        while not servers or not servers[0].started:
            time.sleep(0.02)
        yield told[0]
    finally:
        servers[0].should_exit = True
        thread.join(15)
        assert not thread.is_alive()


def asked(url: str, **headers: str) -> int:
    return httpx2.post(url, json=HELLO, headers={**GOOD, **headers}, timeout=10).status_code


def test_only_who_names_it_rightly_and_has_the_token_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch) as url:
        port = urlsplit(url).port
        codes = {
            "good": asked(url), "localhost": asked(url, Host=f"localhost:{port}"), "case": asked(url, Authorization=f"bearer {TOKEN}"),
            "no token": httpx2.post(url, json=HELLO).status_code, "wrong token": asked(url, Authorization=f"Bearer {TOKEN[:-1]}"),
            "longer token": asked(url, Authorization=f"Bearer {TOKEN}x"), "basic": asked(url, Authorization=f"Basic {TOKEN}"),
            "another host": asked(url, Host="evil.test"), "another port": asked(url, Host="127.0.0.1:1"),
            "a host that begins so": asked(url, Host=f"127.0.0.1:{port}.evil.test"),
            "another origin": asked(url, Origin="http://evil.test"), "null origin": asked(url, Origin="null"),
            "own origin": asked(url, Origin=f"http://localhost:{port}"),
            "too large": httpx2.post(url, content=b"x" * 300_000, headers={**GOOD, "Content-Type": "application/json"}).status_code,
        }  # fmt: skip
    assert codes == {
        "good": 200, "localhost": 200, "case": 200, "no token": 401, "wrong token": 401, "longer token": 401, "basic": 401,
        "another host": 421, "another port": 421, "a host that begins so": 421, "another origin": 403, "null origin": 403,
        "own origin": 200, "too large": 413,
    }  # fmt: skip


def test_a_further_host_is_answered_where_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, further=("mcp.fleet.test",)) as url:
        assert (asked(url, Host="mcp.fleet.test"), asked(url, Host="other.fleet.test")) == (200, 421)
        assert asked(url, Host="mcp.fleet.test", Origin="https://mcp.fleet.test") == 200


@pytest.mark.parametrize(
    ("host", "token", "words"),
    [
        (EVERY, "", "0.0.0.0 is reachable from other machines; set a bearer token with --token-file, or listen on 127.0.0.1"),
        (EVERY, TOKEN, "0.0.0.0 means all addresses; set --allowed-host to the host and port that clients use"),
        ("127.0.0.1", "short", "the token must have at least 16 ASCII characters and no spaces"),
        ("127.0.0.1", "0123456789abcdefü", "the token must have at least 16 ASCII characters and no spaces"),
    ],
)  # fmt: skip
def test_an_unsafe_address_or_token_is_refused(host: str, token: str, words: str) -> None:
    with pytest.raises(http.HttpError) as caught:
        http.app(of("cascade-chain-top"), http.ListenAddress(host, 8371, token))
    assert str(caught.value) == words


def test_the_hosts_that_are_answered() -> None:
    local = ["127.0.0.1:1", "[::1]:1", "localhost:1"]
    assert http.hosts("127.0.0.1", 1) == local
    assert http.hosts("127.0.0.2", 1) == sorted([*local, "127.0.0.2:1"])
    assert http.hosts("10.1.2.3", 1) == ["10.1.2.3:1"]
    assert http.hosts("::", 1, ["a:1"]) == sorted([*local, "[::]:1", "a:1"])


def test_connections_that_send_nothing_or_half_of_it_make_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_ARRIVES", 3)
    monkeypatch.setattr(http, "_REQUESTS", 32)
    with serving(monkeypatch) as url, ExitStack() as held:
        port = urlsplit(url).port or 0
        half = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        whole = f"{half}Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{{"
        for begun in (whole, *("", half) * 20):
            one = held.enter_context(socket.create_connection(("127.0.0.1", port)))
            one.sendall(begun.encode())
        codes = [asked(url)]
        while len(codes) < 60 and codes[-1] != 200:
            time.sleep(0.25)
            codes.append(asked(url))
    assert (codes[0], codes[-1]) == (503, 200)


@pytest.mark.parametrize("mode", MODES)
def test_a_client_that_thinks_for_long_keeps_its_connection(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_ARRIVES", 0.2)

    async def use(url: str) -> list[bool]:
        with anyio.fail_after(30):
            async with (
                httpx2.AsyncClient(headers={"Authorization": GOOD["Authorization"]}) as web,
                Client(streamable_http_client(url, http_client=web), mode=mode) as client,
            ):
                first = await client.call_tool("diagnose", {})
                await anyio.sleep(1)
                return [first.is_error, (await client.call_tool("get_events", {})).is_error]

    with serving(monkeypatch) as url:
        assert anyio.run(use, url) == [False, False]


@pytest.mark.parametrize("mode", MODES)
def test_a_long_run_tells_how_it_goes_and_ends_when_it_is_called_off(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = hanging(monkeypatch)
    told: list[str | None] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.append(message)

    async def use(url: str) -> None:
        with anyio.fail_after(40):
            async with (
                httpx2.AsyncClient(headers={"Authorization": GOOD["Authorization"]}) as web,
                Client(streamable_http_client(url, http_client=web), mode=mode) as client,
            ):
                with anyio.move_on_after(2):
                    await client.call_tool("diagnose", {}, progress_callback=heard)
                with anyio.fail_after(10):
                    while not ended:  # noqa: ASYNC110 - it is set by another thread
                        await anyio.sleep(0.05)

    with serving(monkeypatch, serves=build(ServerSettings())) as url:
        anyio.run(use, url)
    assert (told, ended) == (["listing Flux objects"], [True])
