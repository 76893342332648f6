"""Sessions over HTTP: clients that go away without a word shut out nobody, and a session that was dropped can begin again."""

from __future__ import annotations

import time

import anyio
import httpx2
import pytest
from mcp.client import Client

from fluxdoctor.mcp import http
from fluxdoctor.mcp.server import build
from fluxdoctor.mcp.settings import ServerSettings
from tests.mcp.clients import INCIDENTS
from tests.mcp.processes import HELLO, READY, with_client
from tests.mcp.test_mcp_http import GOOD, serving

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
INCIDENT = INCIDENTS / "cascade-chain-top"


def begin(url: str, ready: bool = True) -> dict[str, str]:
    answer = httpx2.post(url, json=HELLO, headers=GOOD, timeout=30)
    assert answer.status_code == 200
    session = {**GOOD, "Mcp-Session-Id": answer.headers["mcp-session-id"]}
    if ready:
        assert httpx2.post(url, json=READY, headers=session, timeout=30).status_code == 202
    return session


def status(url: str, session: dict[str, str]) -> int:
    return httpx2.post(url, json=LIST, headers=session, timeout=30).status_code


@pytest.mark.parametrize("is_ready", [True, False])
def test_eighty_clients_that_go_away_shut_out_nobody(is_ready: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch) as url:
        before = begin(url)
        gone = [begin(url, is_ready) for _ in range(80)]
        after = begin(url)
        assert [status(url, one) for one in (before, after, gone[0])] == [200, 200, 200]


def test_beyond_the_limit_the_session_that_is_used_least_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_SESSIONS", 5)
    with serving(monkeypatch) as url:
        active = begin(url)
        assert status(url, active) == 200
        gone = [begin(url) for _ in range(20)]
        assert status(url, active) == 200
        assert [status(url, one) for one in gone] == [404] * 16 + [200] * 4
        # now all have asked something: the one that has been idle for longest goes
        begin(url)
        assert [status(url, one) for one in (active, *gone[-4:])] == [404, 200, 200, 200, 200]


def test_a_session_with_a_call_or_an_open_stream_outlives_idle_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_SESSIONS", 3)
    with serving(monkeypatch) as url:
        listening = begin(url)
        with httpx2.stream("GET", url, headers=listening, timeout=30) as stream:
            assert stream.status_code == 200
            for _ in range(5):
                status(url, begin(url))
            assert status(url, listening) == 200


def test_a_session_that_its_client_ended_counts_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_SESSIONS", 2)
    with serving(monkeypatch) as url:
        first = begin(url)
        for _ in range(5):
            assert httpx2.delete(url, headers=begin(url), timeout=30).status_code == 200
        assert status(url, first) == 200


def test_an_idle_session_is_let_go_and_its_client_can_begin_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, serves=build(ServerSettings(snapshot=INCIDENT, idle=1))) as url:
        first = begin(url)
        assert status(url, first) == 200
        time.sleep(2.5)
        assert status(url, first) == 404
        assert status(url, begin(url)) == 200


def test_the_official_client_is_served_after_many_have_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_SESSIONS", 4)

    async def use(client: Client) -> int:
        first = await client.call_tool("diagnose", {})
        for _ in range(10):
            await anyio.to_thread.run_sync(begin, url)
        second = await client.call_tool("diagnose", {})
        return int(first.is_error) + int(second.is_error)

    with serving(monkeypatch) as url:
        assert anyio.run(with_client, url, use, "legacy") == 0


def test_a_name_that_is_no_session_takes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_SESSIONS", 2)
    with serving(monkeypatch) as url:
        first = begin(url)
        statuses = [status(url, {**GOOD, "Mcp-Session-Id": f"{number}" * 32}) for number in range(9)]
        bad = [httpx2.post(url, json=LIST, headers=GOOD, timeout=30).status_code for _ in range(5)]
        assert (statuses, bad, status(url, first)) == ([404] * 9, [400] * 5, 200)
