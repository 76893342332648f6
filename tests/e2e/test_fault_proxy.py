"""Each fault of the proxy, as a plain client without any cleverness meets it."""

from __future__ import annotations

import json
import time
import zlib
from typing import Any

import pytest
import urllib3

from tests.e2e import users
from tests.e2e.api import Api
from tests.e2e.bad_answers import Kind
from tests.e2e.cluster import Cluster
from tests.e2e.fault_proxy import FaultProxy

MAPS = "/api/v1/configmaps"
CHARTS = {
    "apiVersion": "source.toolkit.fluxcd.io/v1",
    "kind": "HelmRepository",
    "spec": {"interval": "5m", "url": "https://charts.example.com"},
}


@pytest.fixture
def client(cluster: Cluster, proxy: FaultProxy) -> Api:
    """Look at five ConfigMaps through the proxy."""
    for number in range(5):
        body = {"metadata": {"name": f"map-{number}"}, "data": {"text": "x" * 1000}}
        cluster.admin.call("POST", "/api/v1/namespaces/default/configmaps", body)
    return Api(proxy.url, cluster.ca_file, cluster.tokens[users.ADMIN])


def streamed(client: Api, **headers: str) -> urllib3.BaseHTTPResponse:
    """Ask for the ConfigMaps without reading the answer's body."""
    return client.open("GET", MAPS, headers=headers)


def status(code: int, reason: str, message: str, details: dict[str, int] | None = None) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "details": details or {},
        "code": code,
    }


def test_without_a_fault_the_answer_is_the_api_servers_own(cluster: Cluster, proxy: FaultProxy, client: Api) -> None:
    direct, through = cluster.admin.request("GET", MAPS), client.request("GET", MAPS)
    assert json.loads(through.data) == json.loads(direct.data)
    assert through.headers["Content-Type"] == "application/json"
    here = "/api/v1/namespaces/default/configmaps"
    assert [o["metadata"]["name"] for o in client.listed(here, limit=2)] == [f"map-{n}" for n in range(5)]
    first, *pages = proxy.requests
    assert (first.method, first.path, first.query, first.user_agent) == ("GET", MAPS, {}, "fluxdoctor-e2e")
    assert [(page.path, sorted(page.query)) for page in pages] == [
        (here, ["limit"]),
        *[(here, ["continue", "limit"])] * 2,
    ]
    assert [page.status for page in pages] == [200, 200, 200]


def test_writes_and_compressed_answers_go_through(cluster: Cluster, proxy: FaultProxy, client: Api) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    client.call("POST", path, {"metadata": {"name": "big"}, "data": {"text": "y" * 200_000}})
    answer = client.open("GET", f"{path}/big", headers={"Accept-Encoding": "gzip"})
    packed = answer.read(decode_content=False)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert json.loads(zlib.decompress(packed, 31))["data"] == {"text": "y" * 200_000}
    assert (proxy.requests[-1].accept_encoding, proxy.requests[-1].sent) == ("gzip", len(packed))
    client.call("DELETE", f"{path}/big")
    assert cluster.admin.request("GET", f"{path}/big").status == 404


@pytest.mark.parametrize(
    ("kind", "reason", "message"),
    [
        ("401", "Unauthorized", "Unauthorized"),
        ("403", "Forbidden", "forbidden: User cannot list resource at the cluster scope"),
        ("404", "NotFound", "the server could not find the requested resource"),
        ("500", "InternalError", "Internal error occurred: etcdserver: leader changed"),
        ("503", "ServiceUnavailable", "the server is currently unable to handle the request"),
        ("504", "Timeout", "Timeout: request did not complete within the allotted timeout"),
    ],
)
def test_a_refusal_once_and_always(proxy: FaultProxy, client: Api, kind: Kind, reason: str, message: str) -> None:
    proxy.fault(MAPS, kind=kind, times=1)
    refused = client.request("GET", MAPS)
    assert (refused.status, json.loads(refused.data)) == (int(kind), status(int(kind), reason, message))
    assert client.request("GET", MAPS).status == 200
    proxy.clear()
    proxy.fault("/api/v1", kind=kind)
    assert [client.request("GET", MAPS).status for _ in range(3)] == [int(kind)] * 3
    assert client.request("GET", "/version").status == 200
    assert [(seen.path, seen.fault, seen.status) for seen in proxy.requests] == [
        *[(MAPS, kind, int(kind))] * 3,
        ("/version", None, 200),
    ]


def test_too_many_requests_says_when_to_come_again(proxy: FaultProxy, client: Api) -> None:
    proxy.fault(MAPS, kind="429", times=2, seconds=3)
    answers = [client.request("GET", MAPS) for _ in range(3)]
    assert [(a.status, a.headers.get("Retry-After")) for a in answers] == [(429, "3"), (429, "3"), (200, None)]
    wanted = status(429, "TooManyRequests", "Too many requests, please try again later.", {"retryAfterSeconds": 3})
    assert json.loads(answers[0].data) == wanted


def test_a_continue_token_expires_between_two_pages(proxy: FaultProxy, client: Api) -> None:
    proxy.fault(MAPS, kind="410", continued=True, times=1)
    first = client.call("GET", MAPS, query={"limit": "2"})
    more = {"limit": "2", "continue": first["metadata"]["continue"]}
    answers = [client.request("GET", MAPS, query=more) for _ in range(2)]
    assert [answer.status for answer in answers] == [410, 200]
    assert json.loads(answers[0].data)["reason"] == "Expired"


def test_the_api_server_itself_says_that_a_continue_token_expired(
    cluster: Cluster, proxy: FaultProxy, client: Api
) -> None:
    charts = "/apis/source.toolkit.fluxcd.io/v1/namespaces/default/helmrepositories"
    for name in ("a", "b", "c"):
        cluster.admin.call("POST", charts, {**CHARTS, "metadata": {"name": name}})
    proxy.fault(charts, kind="expired", times=1)
    first = client.call("GET", charts, query={"limit": "2"})
    more = {"limit": "2", "continue": first["metadata"]["continue"]}
    expired = client.request("GET", charts, query=more)
    body = json.loads(expired.data)
    assert (expired.status, body["reason"], body["code"]) == (410, "Expired", 410)
    # The real answer offers a token to go on with, at the price of consistency.
    rest = client.call("GET", charts, query={"limit": "2", "continue": body["metadata"]["continue"]})
    assert [o["metadata"]["name"] for o in rest["items"]] == ["c"]
    assert [seen.status for seen in proxy.requests] == [200, 410, 200]


def test_one_page_in_the_middle_is_slow(proxy: FaultProxy, client: Api) -> None:
    proxy.fault(MAPS, kind="slow", seconds=0.5, after=1, times=1)
    taken = []
    for _ in range(3):
        began = time.monotonic()
        assert len(client.call("GET", MAPS)["items"]) >= 5
        taken.append(time.monotonic() - began >= 0.5)
    assert taken == [False, True, False]


def test_a_stalled_connection_never_answers(proxy: FaultProxy, client: Api) -> None:
    proxy.fault(MAPS, kind="stall")
    hasty = Api(client.server, client.ca, client.token, seconds=0.3)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        hasty.request("GET", MAPS)
    assert client.request("GET", "/version").status == 200
    assert [(seen.path, seen.status) for seen in proxy.requests] == [(MAPS, 0), ("/version", 200)]


def test_an_answer_hangs_in_the_middle(proxy: FaultProxy, client: Api) -> None:
    whole = client.request("GET", MAPS).data
    proxy.fault(MAPS, kind="hang")
    hasty = Api(client.server, client.ca, client.token, seconds=0.5)
    with hasty.open("GET", MAPS) as answer:
        assert answer.read(len(whole) // 2) == whole[: len(whole) // 2]
        with pytest.raises(urllib3.exceptions.ReadTimeoutError):
            answer.read(1)


def test_an_answer_drips(proxy: FaultProxy, client: Api) -> None:
    whole = client.request("GET", MAPS).data
    proxy.fault(MAPS, kind="drip", seconds=1)
    began = time.monotonic()
    assert client.request("GET", MAPS).data == whole
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize("kind", ["cut", "cut-chunked"])
def test_the_connection_is_cut_in_mid_page(proxy: FaultProxy, client: Api, kind: Kind) -> None:
    proxy.fault(MAPS, kind=kind, times=1)
    with streamed(client) as answer:
        assert answer.status == 200
        with pytest.raises(urllib3.exceptions.ProtocolError):
            answer.read()
    assert client.request("GET", MAPS).status == 200


def test_truncated_json_is_framed_as_if_it_were_whole(proxy: FaultProxy, client: Api) -> None:
    whole = client.request("GET", MAPS).data
    proxy.fault(MAPS, kind="truncated")
    half = client.request("GET", MAPS)
    assert (half.status, half.data) == (200, whole[: len(whole) // 2])
    with pytest.raises(json.JSONDecodeError):
        json.loads(half.data)


def test_a_list_that_does_not_end_is_made_as_it_is_read(proxy: FaultProxy, client: Api) -> None:
    proxy.fault(MAPS, kind="huge")
    with streamed(client) as answer:
        begin = answer.read(8_000_000)
    assert begin.startswith(b'{"kind":"List","apiVersion":"v1","metadata":{},"items":[{"metadata": {"name": "x", ')
    until(lambda: not proxy.busy)
    assert 8_000_000 <= proxy.requests[0].sent < 50_000_000


def test_a_small_list_without_end_is_well_formed(proxy: FaultProxy, client: Api) -> None:
    proxy.fault(MAPS, kind="huge", size=3_000_000)
    items = client.call("GET", MAPS)["items"]
    assert {json.dumps(item) for item in items} == {
        json.dumps({"metadata": {"name": "x", "namespace": "default"}, "data": {"filler": "x" * 4000}})
    }
    assert 2_000_000 < proxy.requests[0].sent < 4_000_000


def test_a_gateway_answers_with_a_page_for_people(proxy: FaultProxy, client: Api) -> None:
    proxy.fault(MAPS, kind="html")
    answer = client.request("GET", MAPS)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.data.startswith(b"<!DOCTYPE html>")


def test_what_is_said_to_be_gzip_is_noise(proxy: FaultProxy, client: Api) -> None:
    proxy.fault(MAPS, kind="garbage")
    with streamed(client) as answer, pytest.raises(urllib3.exceptions.DecodeError):
        answer.read()


def test_little_unpacks_to_much(proxy: FaultProxy, client: Api) -> None:
    proxy.fault(MAPS, kind="gzip-bomb", size=400_000_000)
    unpacked, packed, unpack = 0, b"", zlib.decompressobj(31)
    with streamed(client) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        for packed in answer.stream(65536, decode_content=False):
            data = unpack.decompress(packed, 16_000_000)
            while data:
                unpacked += len(data)
                data = unpack.decompress(unpack.unconsumed_tail, 16_000_000)
    assert unpack.eof  # the checksum and the length in the trailer were right
    assert (unpacked > 390_000_000, proxy.requests[0].sent < 500_000) == (True, True)


def until(done: Any) -> None:
    """Wait for what a thread of the proxy is about to do."""
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)
