"""How Helm repositories over HTTP answer, asked for real, and what is made of it."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import resource
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fluxdoctor.collect.charts import index
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.probe_context import ProbeContext
from fluxdoctor.collect.sources import helm, index_cache
from fluxdoctor.collect.sources.access import tls_material
from fluxdoctor.intake import documents
from fluxdoctor.intake.vault import SecretData
from fluxdoctor.model.chart_indexes import ChartIndexes, ChartVersion
from fluxdoctor.model.probes import Answer, Probe
from fluxdoctor.model.resource import Ref
from tests.helpers.gaps import gap
from tests.helpers.sources import TAKEN, reach, secret, source
from tests.servers.helm_repo import (
    answering,
    big_index,
    bomb,
    dripping,
    endless,
    helm_server,
    package,
    reply,
)
from tests.servers.proxy import http_proxy
from tests.servers.tls import Authority

REF = Ref("HelmRepository", "apps", "acme")
INDEX = b"""apiVersion: v1
entries:
  podinfo:
  - version: 6.5.1
    urls: [podinfo-6.5.1.tgz]
    kubeVersion: '>=1.23'
    dependencies:
    - name: redis
  - version: 6.5.0
    urls: [podinfo-6.5.0.tgz]
  redis:
  - version: 1.0.0
    urls: ['https://elsewhere.test/redis-1.0.0.tgz']
generated: "2026-01-01T00:00:00Z"
"""
PODINFO = (
    ChartVersion("6.5.1", ("podinfo-6.5.1.tgz",), ">=1.23", ("redis",)),
    ChartVersion("6.5.0", ("podinfo-6.5.0.tgz",)),
)
REDIS = (ChartVersion("1.0.0", ("https://elsewhere.test/redis-1.0.0.tgz",)),)
LOGIN = {"login": secret(username="deploy", password="s3cr3t-canary")}


def ask(
    means: ProbeContext, url: str, wanted: frozenset[str] = frozenset({"podinfo"}), **spec: Any
) -> helm.HelmResults:
    return helm.collect([source("HelmRepository", "acme", {"url": url, **spec})], {REF: wanted}, means)


def probe(means: ProbeContext, url: str, **spec: Any) -> tuple[Answer, str]:
    found = ask(means, url, **spec).probes[REF]
    return found.answer, found.detail


def test_an_index_is_read() -> None:
    with helm_server({"/charts/index.yaml": INDEX}) as server:
        found = ask(reach(), server.url("/charts/"))

    target = server.url("/charts/index.yaml")
    assert found.indexes == {REF: {"podinfo": PODINFO, "redis": REDIS}}
    assert found.probes == {REF: Probe(target, Answer.OK, "2 charts", TAKEN)}
    assert found.gaps == ()


def test_one_place_with_one_login_is_asked_once_for_all_who_name_it() -> None:
    with helm_server({"/index.yaml": INDEX}) as server:
        names = [f"r{i:02d}" for i in range(20)]
        repositories = [source("HelmRepository", name, {"url": server.url()}) for name in names]
        wanted = {
            Ref("HelmRepository", "apps", names[0]): frozenset({"podinfo"}),
            repositories[1].ref: frozenset({"redis"}),
        }
        found = helm.collect(repositories, wanted, reach())

    assert server.paths == ["/index.yaml"]
    assert sorted(found.probes) == [r.ref for r in repositories]
    assert found.indexes[repositories[5].ref] == {"podinfo": PODINFO, "redis": REDIS}


def test_what_has_not_changed_is_not_sent_again_and_a_damaged_cache_is_none(tmp_path: Path) -> None:
    with helm_server({"/index.yaml": INDEX}) as server:
        first, second = (ask(reach(cache=tmp_path), server.url()) for _ in range(2))
        conditions = [headers.get("if-none-match", "") for _, headers in server.requests]
        for path in tmp_path.rglob("*.index"):
            path.write_bytes(b"cut")
        third = ask(reach(cache=tmp_path), server.url())
        again = server.requests[-1][1].get("if-none-match", "")
        server.files["/index.yaml"] = INDEX.replace(b"6.5.1", b"6.6.0")
        fourth = ask(reach(cache=tmp_path), server.url())

    assert first.indexes == second.indexes == third.indexes == {REF: {"podinfo": PODINFO, "redis": REDIS}}
    assert [bool(condition) for condition in conditions] == [False, True]
    assert again == ""
    assert fourth.indexes[REF]["podinfo"][0].version == "6.6.0"
    assert sorted(p.suffix for p in (tmp_path / "helm").iterdir()) == [".index", ".index", ".json"]
    assert all(p.stat().st_mode & 0o077 == 0 for p in [tmp_path / "helm", *(tmp_path / "helm").glob("*.index")])


def test_a_big_index_has_versions_of_the_wanted_charts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_SMALL", 0)
    with helm_server({"/index.yaml": INDEX}) as server:
        found = ask(reach(), server.url())
    assert found.indexes == {REF: {"podinfo": PODINFO, "redis": ()}}
    assert ChartIndexes(found.indexes).charts(REF) == ("podinfo", "redis")
    assert [ChartIndexes(found.indexes).offered(REF, name) for name in ("podinfo", "redis", "nginx")] == [
        ("6.5.1", "6.5.0"),
        None,
        (),
    ]


def test_a_login_is_sent_to_its_host_and_never_shown(tmp_path: Path) -> None:
    with helm_server({"/index.yaml": INDEX}) as server:
        server.login = "deploy:s3cr3t-canary"
        refused = ask(reach(), server.url())
        wrong = ask(
            reach({"login": secret(username="deploy", password="no")}), server.url(), secretRef={"name": "login"}
        )
        right = ask(reach(LOGIN, cache=tmp_path), server.url(), secretRef={"name": "login"})
        inside = ask(reach(), server.url().replace("//", "//deploy:s3cr3t-canary@"))

    says = f"127.0.0.1:{server.port} answers 401 Unauthorized"
    assert (
        refused.probes[REF] == wrong.probes[REF] == Probe(server.url("/index.yaml"), Answer.AUTHENTICATION, says, TAKEN)
    )
    assert refused.gaps == (gap("unauthorized", "helm/apps/acme/index.yaml", f"authentication: {says}"),)
    assert right.probes[REF].answer is inside.probes[REF].answer is Answer.OK
    assert "s3cr3t-canary" not in repr((refused, wrong, right, inside))
    assert not any(b"s3cr3t-canary" in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"secretRef": {"name": "gone"}}, "Secret/apps/gone was not read"),
        ({"certSecretRef": {"name": "gone"}}, "Secret/apps/gone was not read"),
        ({"secretRef": {"name": "half"}}, "the Secret has no password, so the controller rejects it"),
    ],
)
def test_without_its_secret_nobody_is_asked(spec: Mapping[str, Any], says: str) -> None:
    with helm_server({"/index.yaml": INDEX}) as server:
        answer = probe(reach({"half": secret(username="deploy")}), server.url(), **spec)

    assert answer == (Answer.UNKNOWN, says)
    assert server.requests == []


STATUS = [
    (403, Answer.AUTHENTICATION, "403 Forbidden"),
    (404, Answer.NOT_FOUND, "404 Not Found"),
    (410, Answer.NOT_FOUND, "410 Gone"),
    (418, Answer.MALFORMED, "418 I'm a Teapot"),
    (500, Answer.SERVER_ERROR, "500 Internal Server Error"),
    (503, Answer.SERVER_ERROR, "503 Service Unavailable"),
]


@pytest.mark.parametrize(("status", "answer", "says"), STATUS)
def test_an_error_of_http_is_classified(status: int, answer: Answer, says: str) -> None:
    with helm_server() as server:
        server.odd["/index.yaml"] = answering(status, b"whatever the server says, https://user:pass@host")
        assert probe(reach(), server.url()) == (answer, f"127.0.0.1:{server.port} answers {says}")


def test_a_rate_limit_tells_when_to_come_again() -> None:
    with helm_server() as server:
        server.odd["/index.yaml"] = answering(429, Retry_After="120")
        says = f"127.0.0.1:{server.port} answers 429 Too Many Requests, retry after 120 s"
        assert probe(reach(), server.url()) == (Answer.RATE_LIMITED, says)


BODIES = [
    (b"", "the index is empty"),
    (b"\n<!DOCTYPE html><html>", "line 1: a web page, not an index"),
    (b"hello", "line 1: not the index of a Helm repository"),
    (b"apiVersion: v1\n", "the index has no entries"),
    (b"entries: {}\n", "the index has no apiVersion"),
    (
        b"apiVersion: v1\nentries:\n  a:\n  - version: 1.0.0\n    urls: [\n",
        "line 6: the index is not YAML: did not find expected node content",
    ),
    (
        b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\napiVersion: v1\nentries: *nope\n",
        "line 5: the index is not YAML: unknown anchor referenced",
    ),
    (b"apiVersion: v1\nentries: " + b"[" * 100_000, "line 2: the index is not YAML: nested deeper than 200 levels"),
]


@pytest.mark.parametrize(("body", "says"), BODIES)
def test_what_is_no_index_is_malformed(body: bytes, says: str) -> None:
    with helm_server({"/index.yaml": body}) as server:
        answer, detail = probe(reach(), server.url())
    assert (answer, detail) == (Answer.MALFORMED, says)


def test_an_alias_bomb_ends() -> None:
    rows = [b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [b"a%d: &a%d [%s]" % (i, i, b", ".join([b"*a%d" % (i - 1)] * 10)) for i in range(1, 10)]
    with helm_server(
        {"/index.yaml": b"\n".join([b"apiVersion: v1", *rows, b"entries: {x: [{version: 1}]}"])}
    ) as server:
        answer, detail = probe(reach(), server.url())
    assert (answer, detail) == (
        Answer.MALFORMED,
        "line 7: the index is not YAML: more than 200000 nodes through aliases",
    )


def test_a_broken_line_elsewhere_is_found_where_the_controller_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the charts that are asked for are parsed of a big index, but for a repository that fails."""
    monkeypatch.setattr(index, "_SMALL", 0)
    broken = INDEX.replace(b"  redis:\n  - version: 1.0.0", b"  redis:\n  - version: [1.0.0")
    failed = {"conditions": [{"type": "Ready", "status": "False", "reason": "IndexationFailed", "message": "no"}]}
    with helm_server({"/index.yaml": broken}) as server:
        quick = ask(reach(), server.url())
        whole = helm.collect([source("HelmRepository", "acme", {"url": server.url()}, failed)], {}, reach())

    assert quick.indexes[REF]["podinfo"] == PODINFO
    assert whole.probes[REF].answer is Answer.MALFORMED
    assert whole.probes[REF].detail.startswith("line 13: the index is not YAML: ")


def other_styles() -> list[bytes]:
    """The same charts in other spellings of YAML, which no scan of lines may misread."""
    return [
        b'{"apiVersion": "v1", "entries": {"podinfo": [{"version": "1.0.0", "urls": ["u"]}], "redis": []}}',
        b"apiVersion: v1\nentries: {podinfo: [{version: 1.0.0, urls: [u]}], redis: []}\n",
        b"entries:\n    podinfo:\n        - version: 1.0.0\n          urls: [u]\n    redis: []\napiVersion: v1\n",
        b"apiVersion: v1\nentries:\n  'podinfo':\n  - version: 1.0.0\n    urls: [u]\n  redis: []\n",
        b"apiVersion: v1\nentries:\n  podinfo: &p\n  - &v {version: 1.0.0, urls: [u]}\n  redis: []\n",
        b"apiVersion: v1\r\nentries:\r\n  podinfo:\r\n  - version: 1.0.0\r\n    urls:\r\n    - u\r\n  redis: []\r\n",
        b"# a comment\napiVersion: v1\nentries:\n  podinfo: # of ours\n  - version: 1.0.0\n    urls: [u]\n  redis: []\n",
        b'apiVersion: v1\nentries:\n  podinfo:\n  - description: "two\n  redis:\n      lines"\n    version: 1.0.0\n    urls: [u]\n  redis: []\n',
    ]


@pytest.mark.parametrize("body", other_styles())
def test_other_styles_of_yaml_are_read_too(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with helm_server({"/index.yaml": body}) as server:
        found = ask(reach(), server.url())
        monkeypatch.setattr(index, "_SMALL", 0)
        scanned = ask(reach(), server.url())
    assert {k: [v.version for v in rows] for k, rows in found.indexes[REF].items()} == {
        "podinfo": ["1.0.0"],
        "redis": [],
    }
    assert scanned == found


def test_a_big_index_gives_what_a_full_parse_gives() -> None:
    data = big_index(1.2, versions=5)
    whole = index.entries(documents.load(data))
    found = index.read(data, {"chart-00003", "chart-00040"})
    assert sorted(found) == sorted(whole)
    assert found["chart-00003"] == whole["chart-00003"]
    assert found["chart-00040"] == whole["chart-00040"]
    assert index.read(data, (), parse_all=True) == whole


def test_an_index_that_is_too_big_to_parse_is_scanned_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_SMALL", 0)
    monkeypatch.setattr(index, "_PARSED", 100)
    assert index.read(INDEX, {"podinfo"}, parse_all=True) == {"podinfo": PODINFO, "redis": ()}
    monkeypatch.setattr(index, "_MOST_CHARTS", 1)
    with pytest.raises(UnreachableError) as refused:
        index.read(INDEX, {"podinfo"})
    assert (refused.value.answer, refused.value.detail) == (
        Answer.TOO_LARGE,
        "the index is 0 MiB, and its layout is not the one that Helm writes",
    )


def test_certificates() -> None:
    authority, other = Authority(), Authority()
    with helm_server({"/index.yaml": INDEX}, authority.server()) as server:
        url, says = server.url(), f"127.0.0.1:{server.port}: the certificate is not accepted: "
        assert probe(reach(), url) == (Answer.TLS_UNKNOWN_CA, f"{says}unable to get local issuer certificate")
        for entries in ({"ca_crt": authority.pem}, {"caFile": authority.pem}):
            means = reach({"ca": secret(**entries)})
            assert probe(means, url, certSecretRef={"name": "ca"}) == (Answer.OK, "2 charts")
            assert probe(means, url, secretRef={"name": "ca"}) == (Answer.OK, "2 charts")
        means = reach({"ca": secret(ca_crt=other.pem)})
        assert probe(means, url, certSecretRef={"name": "ca"})[0] is Answer.TLS_UNKNOWN_CA
        means = reach({"ca": secret(ca_crt="no PEM")})
        assert probe(means, url, certSecretRef={"name": "ca"}) == (
            Answer.TLS,
            "the certificate authority in the Secret is not PEM",
        )
    trusting = {"ca": secret(ca_crt=authority.pem)}
    with helm_server({"/index.yaml": INDEX}, authority.server(expired=True)) as server:
        says = f"127.0.0.1:{server.port}: the certificate is not accepted: certificate has expired"
        assert probe(reach(trusting), server.url(), certSecretRef={"name": "ca"}) == (Answer.TLS_EXPIRED, says)
    with helm_server({"/index.yaml": INDEX}, authority.server("charts.example.com")) as server:
        assert probe(reach(trusting), server.url(), certSecretRef={"name": "ca"})[0] is Answer.TLS_WRONG_NAME


def test_a_client_certificate_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    authority = Authority()
    certificate, key = authority.client()
    names = {"ca_crt": authority.pem, "tls_crt": certificate, "tls_key": key}
    old = {"caFile": authority.pem, "certFile": certificate, "keyFile": key}
    with helm_server({"/index.yaml": INDEX}, authority.server(clients=True)) as server:
        for entries in (names, old):
            assert (
                probe(reach({"mtls": secret(**entries)}), server.url(), certSecretRef={"name": "mtls"})[0] is Answer.OK
            )
        answer, detail = probe(reach({"ca": secret(ca_crt=authority.pem)}), server.url(), certSecretRef={"name": "ca"})
        half = probe(
            reach({"half": secret(ca_crt=authority.pem, tls_crt=certificate)}),
            server.url(),
            certSecretRef={"name": "half"},
        )

    assert half == (Answer.TLS, "the Secret has only one of client certificate and key")
    assert list(tmp_path.iterdir()) == []
    # The alert of TLS 1.3 and the end of the connection race each other.
    says = ("the server requires a client certificate that it accepts", "the connection was closed")
    assert (answer, detail) in [(Answer.TLS, f"127.0.0.1:{server.port}: {words}") for words in says]


def test_http_and_https_are_told_apart() -> None:
    with helm_server({"/index.yaml": INDEX}) as server:
        answer = probe(reach(), server.url().replace("http:", "https:"))
    assert answer == (Answer.TLS, f"127.0.0.1:{server.port}: the server uses plain http, but the request used https")


def test_hosts_that_do_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        silent = listening.getsockname()[1]
        began = time.monotonic()
        answer = probe(reach(per_host=0.4), f"http://127.0.0.1:{silent}")
        assert answer == (Answer.TIMEOUT, f"127.0.0.1:{silent}: no complete answer in time")
        assert time.monotonic() - began < 3
    assert probe(reach(), f"http://127.0.0.1:{silent}") == (Answer.REFUSED, f"127.0.0.1:{silent}: connection refused")
    assert probe(reach(), "https://charts.invalid")[0] is Answer.DNS


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (
            "http://169.254.169.254/latest",
            "169.254.169.254 is a link-local address (used by cloud metadata services): contacted only with --allow-local",
        ),
        ("http://127.0.0.1:1", "127.0.0.1 is a loopback address: contacted only with --allow-local"),
        ("http://[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1 is a loopback address: contacted only with --allow-local"),
        ("ftp://charts.test", "the URL is neither http nor https"),
        ("file:///etc/passwd", "the URL is neither http nor https"),
        ("http://charts.test\r\nX-Evil: 1", "the URL is not valid"),
        ("", "the URL is neither http nor https"),
    ],
)
def test_places_that_are_off_limits(url: str, says: str) -> None:
    assert probe(reach(local=False), url) == (Answer.NOT_CONTACTED, says)


def test_no_header_comes_in_through_a_path() -> None:
    with helm_server({"/index.yaml": INDEX}) as server:
        probe(reach(), server.url("/a b\r\nX-Evil: 1"))
    assert server.paths == ["/a%20b%0D%0AX-Evil:%201/index.yaml"]
    assert "x-evil" not in server.requests[0][1]


REDIRECTS: list[tuple[str, Answer, str]] = [
    ("http://169.254.169.254/index.yaml", Answer.NOT_CONTACTED, "169.254.169.254 is a link-local"),
    (
        "http://127.0.0.1:9/index.yaml",
        Answer.NOT_CONTACTED,
        "127.0.0.1 is a loopback address: contacted only with --allow-local",
    ),
    ("http://metadata.google.internal/", Answer.NOT_CONTACTED, "metadata.google.internal is a cloud metadata service"),
    ("file:///etc/passwd", Answer.NOT_CONTACTED, "the URL is neither http nor https"),
    ("/index.yaml", Answer.MALFORMED, "charts.test:{port} redirects more than 5 times"),
]


@pytest.mark.parametrize(("location", "answer", "says"), REDIRECTS)
def test_a_redirect_is_followed_with_care(location: str, answer: Answer, says: str) -> None:
    with helm_server() as server:
        server.odd["/index.yaml"] = answering(302, Location=location)
        found = probe(reach(local=False, names={"charts.test": "127.0.0.1"}), f"http://charts.test:{server.port}")
    assert found[0] is answer
    assert found[1].startswith(says.format(port=server.port))


def test_a_redirect_takes_the_login_to_no_other_host() -> None:
    authority = Authority()
    names = {"charts.test": "127.0.0.1", "other.test": "127.0.0.1"}
    spec = {"secretRef": {"name": "login"}, "certSecretRef": {"name": "ca"}}
    secrets: dict[str, SecretData] = {**LOGIN, "ca": secret(ca_crt=authority.pem)}
    with helm_server({"/moved/index.yaml": INDEX}) as server:
        server.odd["/index.yaml"] = answering(301, Location="/moved/index.yaml")
        server.odd["/far/index.yaml"] = answering(307, Location=f"http://other.test:{server.port}/moved/index.yaml")
        near = probe(reach(secrets, names=names), f"http://charts.test:{server.port}", **spec)
        far = probe(reach(secrets, names=names), f"http://charts.test:{server.port}/far", **spec)
        shown = [(path, "authorization" in headers) for path, headers in server.requests]
        with helm_server({}, authority.server("charts.test")) as secure:
            secure.odd["/index.yaml"] = answering(302, Location=f"http://charts.test:{server.port}/moved/index.yaml")
            down = probe(reach(secrets, names=names), f"https://charts.test:{secure.port}", **spec)

    assert near == far == (Answer.OK, "2 charts")
    assert shown == [
        ("/index.yaml", True),
        ("/moved/index.yaml", True),
        ("/far/index.yaml", True),
        ("/moved/index.yaml", False),
    ]
    assert down == (Answer.NOT_CONTACTED, f"charts.test:{secure.port} redirects from https to http")


def test_gzip_is_unpacked_and_what_only_says_so_is_malformed() -> None:
    with helm_server() as server:
        server.odd["/index.yaml"] = answering(200, gzip.compress(INDEX), Content_Encoding="gzip")
        server.odd["/cut/index.yaml"] = answering(200, gzip.compress(INDEX)[:-20], Content_Encoding="gzip")
        server.odd["/no/index.yaml"] = answering(200, INDEX, Content_Encoding="gzip")
        answers = [probe(reach(), server.url(path)) for path in ("", "/cut", "/no")]
    assert answers == [
        (Answer.OK, "2 charts"),
        (Answer.MALFORMED, "the answer is not valid gzip, or it is truncated"),
        (Answer.MALFORMED, f"127.0.0.1:{server.port}: the answer is not valid gzip"),
    ]


def test_bodies_that_never_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helm, "_MOST", 8 << 20)
    packed = bomb(64 << 20)
    with helm_server() as server:
        server.odd["/index.yaml"] = endless
        server.odd["/drip/index.yaml"] = dripping
        server.odd["/bomb/index.yaml"] = answering(200, packed, Content_Encoding="gzip")
        server.odd["/cut/index.yaml"] = cut_short
        answers = [probe(reach(per_host=5), server.url(path)) for path in ("", "/bomb", "/cut")]
        slow = probe(reach(per_host=0.5), server.url("/drip"))
    assert answers == [
        (Answer.TOO_LARGE, "the answer is larger than 8 MiB"),
        (Answer.TOO_LARGE, "the answer is larger than 8 MiB"),
        (Answer.REFUSED, f"127.0.0.1:{server.port}: the connection was closed"),
    ]
    assert slow == (Answer.TIMEOUT, f"127.0.0.1:{server.port}: no complete answer in time")


def cut_short(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(INDEX)
    handler.close_connection = True


def test_an_index_that_the_controller_would_not_take_is_read_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helm, "LIMIT", 100)
    failed = {"conditions": [{"type": "Ready", "status": "False", "reason": "Failed", "message": "no"}]}
    with helm_server({"/index.yaml": INDEX}) as server:
        assert probe(reach(), server.url()) == (Answer.OK, "2 charts")
        found = helm.collect([source("HelmRepository", "acme", {"url": server.url()}, failed)], {}, reach())
    says = "the index is 0 MiB; source-controller reads at most 0 MiB by default"
    assert (found.probes[REF].answer, found.probes[REF].detail) == (Answer.TOO_LARGE, says)
    assert found.indexes[REF]["podinfo"] == PODINFO


def test_the_run_is_called_off() -> None:
    with helm_server() as server:
        means = reach()

        def stop(handler: http.server.BaseHTTPRequestHandler) -> None:
            means.deadline.cancel()
            time.sleep(0.3)
            reply(handler, 200, INDEX)

        server.odd["/index.yaml"] = stop
        assert probe(means, server.url())[0] is Answer.TIMEOUT
    assert probe(means, server.url()) == (Answer.TIMEOUT, "the run was cancelled")


def test_a_chart_is_pulled_and_its_login_goes_only_where_it_may() -> None:
    chart = package("podinfo", "6.5.1", {"values.yaml": "replicas: 1\n"})
    names = {"charts.test": "127.0.0.1", "other.test": "127.0.0.1"}
    with helm_server({"/podinfo-6.5.1.tgz": chart}) as server:
        far = f"http://other.test:{server.port}/podinfo-6.5.1.tgz".encode()
        server.files |= {"/index.yaml": INDEX, "/far/index.yaml": INDEX.replace(b"podinfo-6.5.1.tgz", far)}
        shown: list[list[bool]] = []
        for path, passing in (("", False), ("/far", False), ("/far", True)):
            spec = {
                "url": f"http://charts.test:{server.port}{path}",
                "secretRef": {"name": "login"},
                "passCredentials": passing,
            }
            server.requests.clear()
            found = helm.collect(
                [source("HelmRepository", "acme", spec)],
                {},
                reach(LOGIN, names=names),
                archives=[(REF, "podinfo", "6.5.1")],
            )
            assert found.charts[REF, "podinfo", "6.5.1"].values == {"replicas": 1}
            shown.append(["authorization" in headers for _, headers in server.requests])
    assert shown == [[True, True], [True, False], [True, True]]


def test_a_chart_that_cannot_be_had_is_a_gap() -> None:
    with helm_server({"/index.yaml": INDEX, "/podinfo-6.5.0.tgz": b"no archive"}) as server:
        wanted = [(REF, "podinfo", version) for version in ("6.5.0", "6.5.1", "9.9.9")]
        found = helm.collect([source("HelmRepository", "acme", {"url": server.url()})], {}, reach(), archives=wanted)
    path = "helm/apps/acme/charts/podinfo"
    assert found.charts == {}
    assert found.gaps == (
        gap("unavailable", f"{path}-6.5.0.tgz", "not a readable .tgz archive (BadGzipFile)"),
        gap("unavailable", f"{path}-6.5.1.tgz", f"127.0.0.1:{server.port} answers 404 Not Found"),
        gap("unavailable", f"{path}-9.9.9.tgz", "the index does not list this chart version"),
    )


def test_a_proxy_is_asked_by_the_client() -> None:
    """Of the sources read here a bucket has a proxy; the client is one."""
    from fluxdoctor.collect.net.address import parse
    from fluxdoctor.collect.net.http import Access, Client

    authority = Authority()
    with helm_server({"/index.yaml": INDEX}, authority.server("charts.test")) as server, http_proxy("me:pass") as proxy:
        proxy.names = {"charts.test": server.port}
        place = parse("https://charts.test/index.yaml")
        way = parse(f"http://me:pass@127.0.0.1:{proxy.port}")
        trust = secret(ca_crt=authority.pem)
        with Client(reach(), Access(tls=tls_material(trust), proxy=way)) as client:
            response = client.get(place)
        with (
            Client(reach(), Access(tls=tls_material(trust), proxy=parse(proxy.address))) as client,
            pytest.raises(UnreachableError) as refused,
        ):
            client.get(place)
        with (
            Client(reach(local=False, names={"127.0.0.1": "127.0.0.1"}), Access(proxy=way)) as client,
            pytest.raises(UnreachableError) as off,
        ):
            client.get(parse("http://169.254.169.254/"))
    assert (response.status, response.body) == (200, INDEX)
    assert (refused.value.answer, refused.value.detail) == (
        Answer.PROXY,
        "charts.test: the proxy does not answer or rejects the request",
    )
    assert off.value.answer is Answer.NOT_CONTACTED
    assert proxy.requests == ["CONNECT charts.test:443", "CONNECT charts.test:443"]


def test_what_a_full_disk_does_not_take_stays_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "draft"
    with path.open("w+b", buffering=0) as file, limited_files(len(INDEX) + 10):
        draft = index_cache.Draft(file)
        for _ in range(3):
            draft.write(INDEX)
        content = draft.read(bytes)
    assert content == INDEX * 3
    assert (draft.size, draft.digest.digest()) == (len(INDEX) * 3, hashlib.sha256(INDEX * 3).digest())
    assert path.stat().st_size == 0


@contextmanager
def limited_files(size: int) -> Iterator[None]:
    """The kernel refuses to let any file of this process grow larger, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_cache_that_is_deleted_between_question_and_answer_changes_nothing(tmp_path: Path) -> None:
    def lose(asked: http.server.BaseHTTPRequestHandler) -> None:
        shutil.rmtree(tmp_path)
        reply(asked, 304, b"")

    with helm_server({"/index.yaml": INDEX}) as server:
        first = ask(reach(cache=tmp_path), server.url())
        server.odd["/index.yaml"] = lose
        second = ask(reach(cache=tmp_path), server.url())
        server.odd.clear()
        third = ask(reach(cache=tmp_path), server.url())
    conditions = [bool(headers.get("if-none-match")) for _, headers in server.requests]
    assert conditions == [False, True, False]
    assert (first.indexes, first.probes, first.gaps) == (second.indexes, second.probes, second.gaps)
    assert (third.indexes, third.probes, third.gaps) == (first.indexes, first.probes, first.gaps)


def test_a_kept_index_whose_bytes_are_others_is_fetched_anew(tmp_path: Path) -> None:
    with helm_server({"/index.yaml": INDEX}) as server:
        ask(reach(cache=tmp_path), server.url())
        (path,) = tmp_path.rglob("*.index")
        path.write_bytes(b"\0" * len(INDEX))  # as a disk leaves it that lost its power
        found = ask(reach(cache=tmp_path), server.url())
    assert found.indexes == {REF: {"podinfo": PODINFO, "redis": REDIS}}
    assert server.requests[-1][1].get("if-none-match") is None


def test_a_fault_of_ours_is_one_source_s(monkeypatch: pytest.MonkeyPatch) -> None:
    original: Callable[..., Any] = helm._fetch_index

    def failing(repository: Any, *args: Any, **more: Any) -> Any:
        if repository.source.name == "bad":
            raise RuntimeError("s3cr3t-canary")
        return original(repository, *args, **more)

    monkeypatch.setattr(helm, "_fetch_index", failing)
    with helm_server({"/index.yaml": INDEX}) as server:
        pair = [
            source("HelmRepository", "bad", {"url": "http://127.0.0.1:1"}),
            source("HelmRepository", "acme", {"url": server.url()}),
        ]
        found = helm.collect(pair, {}, reach())
    assert found.probes[pair[0].ref] == Probe(
        "http://127.0.0.1:1/index.yaml", Answer.UNKNOWN, "the request failed (RuntimeError)", TAKEN
    )
    assert found.probes[REF].answer is Answer.OK
