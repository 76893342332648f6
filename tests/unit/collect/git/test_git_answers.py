"""How a real git server answers over HTTP, TLS and a proxy, and which class of answer it becomes."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluxdoctor.collect.git import collect
from fluxdoctor.collect.probe_context import ProbeContext
from tests.helpers.gitworld import answers, gaps, reach, ref, secret, source
from tests.servers.githttp import GitServer, git_server
from tests.servers.proxy import http_proxy
from tests.servers.repositories import empty, filled
from tests.servers.tls import Authority

FILES = {"apps/web.yaml": "kind: ConfigMap\nmetadata: {name: web}\n"}
OK = "ok: 1 branch, 0 tags"


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repositories")
    filled(folder / "web.git", FILES)
    empty(folder / "empty.git")
    return folder


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def server(root: Path) -> Iterator[GitServer]:
    with git_server(root) as running:
        yield running


def test_http_answers(server: GitServer) -> None:
    for code in (401, 403, 404, 410, 429, 500, 503):
        server.status[f"/{code}"] = code
    server.status |= {"/page": 200, "/lines": 200}
    server.body |= {"/page": b"<html>no line break</html>", "/lines": b"<html>\n<body>\n"}
    names = ("web", "empty", "absent", "401", "403", "404", "410", "429", "500", "503", "page", "lines")
    results = collect([source(name, server.url(f"/{name}.git")) for name in names], reach())
    assert answers(results) == {
        "web": OK,
        "empty": "empty: the repository has no commit",
        "absent": "not-found: the server answers 404",
        "401": "authentication: 401: credentials are required",
        "403": "authentication: the server answers 403",
        "404": "not-found: the server answers 404",
        "410": "not-found: the server answers 410",
        "429": "rate-limited: the server answers 429",
        "500": "server-error: the server answers 500",
        "503": "server-error: the server answers 503",
        "page": "malformed: the answer is not from a git server",
        "lines": "malformed: the answer is not from a git server",
    }
    assert list(results.trees) == [ref("web")]
    assert results.refs[ref("empty")] == {}
    assert set(results.refs) == {ref("web"), ref("empty")}
    assert gaps(results)["403"] == "the tree was not fetched: the server answers 403"
    assert results.probes[ref("web")].target == server.url("/web.git")


def test_logins(server: GitServer) -> None:
    server.authorization |= {"/web": basic("flux", "right"), "/empty": "Bearer token-1"}
    web, bare = server.url("/web.git"), server.url("/empty.git")
    secrets = {
        "right": secret(username="flux", password="right"),
        "wrong": secret(username="flux", password="wrong"),
        "newline": secret(username="flux", password="right\n"),
        "bearer": secret(bearerToken="token-1"),
        "stale": secret(bearerToken="token-0"),
    }
    results = collect(
        [
            source("right", web, "right"), source("wrong", web, "wrong"), source("newline", web, "newline"),
            source("nobody", web), source("bearer", bare, "bearer"), source("stale", bare, "stale"),
            source("inurl", web.replace("http://", "http://flux:right@")), source("unread", web, "unread"),
        ],
        reach(secrets),
    )  # fmt: skip
    assert answers(results) == {
        "right": OK,
        "wrong": "authentication: 401: the credentials are not accepted",
        "newline": "authentication: 401: the credentials are not accepted",
        "nobody": "authentication: 401: credentials are required",
        "bearer": "empty: the repository has no commit",
        "stale": "authentication: 401: the credentials are not accepted",
        "inurl": OK,
        "unread": "unknown: Secret flux-system/unread was not read",
    }
    assert results.probes[ref("inurl")].target == web


def test_redirects(server: GitServer) -> None:
    advertisement = "/info/refs?service=git-upload-pack"
    for name, location in {
        "renamed": server.url(f"/web.git{advertisement}"),
        "relative": f"/web.git{advertisement}",
        "elsewhere": f"https://other.test/web.git{advertisement}",
        "login": server.url("/login"),
        "nowhere": "",
        "circle": f"/circle.git{advertisement}",
    }.items():
        server.status[f"/{name}"] = 302 if name == "login" else 301
        server.headers[f"/{name}"] = {"Location": location} if location else {}
    results = collect([source(n.strip("/"), server.url(f"{n}.git")) for n in server.status], reach())
    assert answers(results) == {
        "renamed": OK,
        "relative": OK,
        "elsewhere": "unknown: the server redirects to https://other.test, which was not contacted",
        "login": "malformed: the server redirects to /login, which is not a git repository",
        "nowhere": "malformed: the server redirects to no repository",
        "circle": "unknown: the server answers 301",
    }
    assert {r.name for r in results.trees} == {"renamed", "relative"}


def test_tls_answers(root: Path, authority: Authority, server: GitServer) -> None:
    certificate, key = authority.client()
    secrets = {
        "ca": secret(ca__crt=authority.pem),
        "old": secret(caFile=authority.pem),
        "other": secret(ca__crt=Authority().pem),
        "mtls": secret(ca__crt=authority.pem, tls__crt=certificate, tls__key=key),
        "pair": secret(ca__crt=authority.pem, tls__crt=certificate, tls__key="no key"),
    }
    with (
        git_server(root, authority.server()) as good,
        git_server(root, authority.server(expired=True)) as expired,
        git_server(root, authority.server("elsewhere.test")) as renamed,
        git_server(root, authority.server(clients=True)) as strict,
    ):
        results = collect(
            [
                source("trusted", good.url("/web.git"), "ca"), source("old", good.url("/web.git"), "old"),
                source("nobody", good.url("/web.git")), source("other", good.url("/web.git"), "other"),
                source("expired", expired.url("/web.git"), "ca"), source("renamed", renamed.url("/web.git"), "ca"),
                source("mtls", strict.url("/web.git"), "mtls"), source("nocert", strict.url("/web.git"), "ca"),
                source("pair", strict.url("/web.git"), "pair"),
                source("plain", server.url("/web.git").replace("http:", "https:")),
            ],
            reach(secrets),
        )  # fmt: skip
    assert answers(results) == {
        "trusted": OK,
        "old": OK,
        "nobody": "tls-unknown-ca: unable to get local issuer certificate",
        "other": "tls-unknown-ca: unable to get local issuer certificate",
        "expired": "tls-expired: certificate has expired",
        "renamed": "tls-wrong-name: IP address mismatch, certificate is not valid for '127.0.0.1'",
        "mtls": OK,
        "nocert": "tls: the server requires a client certificate",
        "pair": "unknown: tls.crt and tls.key in Secret flux-system/pair are not a certificate and its key",
        "plain": "tls: wrong version number",
    }
    assert {r.name for r in results.trees} == {"trusted", "old", "mtls"}


def test_proxies(root: Path, server: GitServer, authority: Authority) -> None:
    with http_proxy("flux:p w@d") as proxy, git_server(root, authority.server()) as secure:
        proxy.names["git.test"] = server.port
        good = {"address": proxy.address, "username": "flux"}
        secrets = {
            "good": secret(**good, password="p w@d"),
            "bad": secret(**good, password="wrong"),
            "down": secret(address="http://127.0.0.1:1"),
            "none": secret(address="ftp://127.0.0.1"),
            "ca": secret(ca__crt=authority.pem),
        }
        proxy_refs = {name: {"name": name} for name in secrets}
        results = collect(
            [
                source("through", "http://git.test/web.git", proxySecretRef=proxy_refs["good"]),
                source("tunnel", secure.url("/web.git"), "ca", proxySecretRef=proxy_refs["good"]),
                source("refused", "http://git.test/web.git", proxySecretRef=proxy_refs["bad"]),
                source("barred", secure.url("/web.git"), "ca", proxySecretRef=proxy_refs["bad"]),
                source("down", "http://git.test/web.git", proxySecretRef=proxy_refs["down"]),
                source("none", "http://git.test/web.git", proxySecretRef=proxy_refs["none"]),
            ],
            reach(secrets),
        )
        assert f"CONNECT 127.0.0.1:{secure.port}" in proxy.requests
    assert answers(results) == {
        "through": OK,
        "tunnel": OK,
        "refused": "proxy: the server answers 407",
        "barred": "proxy: CONNECT tunnel failed, response 407",
        "down": "proxy: Failed to connect to 127.0.0.1 port 1: Couldn't connect to server",
        "none": "unknown: address in Secret flux-system/none is not an http, https or socks5 URL",
    }


def test_the_proxy_of_the_environment(root: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_proxy() as proxy:
        proxy.names["git.test"] = server.port
        monkeypatch.setenv("http_proxy", proxy.address)
        monkeypatch.setenv("no_proxy", "direct.test")
        sources = [source("through", "http://git.test/web.git"), source("direct", "http://direct.test/web.git")]
        results = collect([*sources, source("local", server.url("/web.git"))], reach())
    assert answers(results) == {"through": OK, "direct": "dns: direct.test does not resolve", "local": OK}


def test_hosts_that_are_not_there(server: GitServer) -> None:
    results = collect(
        [source("dns", "https://git.invalid/web.git"), source("refused", "https://127.0.0.1:1/web.git")], reach()
    )
    assert answers(results) == {
        "dns": "dns: git.invalid does not resolve",
        "refused": "refused: Failed to connect to 127.0.0.1 port 1: Couldn't connect to server",
    }


def test_only_the_addresses_that_were_checked_are_asked(
    root: Path, authority: Authority, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is resolved once, by us: what it resolves to a moment later makes no difference."""
    monkeypatch.setattr(ProbeContext, "addresses", lambda *_: ("127.0.0.1",))
    with git_server(root, authority.server("git.test"), host="git.test") as secure:
        secure.status["/renamed"] = 301
        secure.headers["/renamed"] = {"Location": secure.url("/web.git/info/refs?service=git-upload-pack")}
        plain = server.url("/web.git").replace("127.0.0.1", "git.test")
        sources = [source("tls", secure.url("/web.git"), "ca"), source("plain", plain)]
        sources.append(source("renamed", secure.url("/renamed.git"), "ca"))
        results = collect(sources, reach({"ca": secret(ca__crt=authority.pem)}))
    assert answers(results) == {"tls": OK, "plain": OK, "renamed": OK}


def test_a_slow_host_is_waited_for_once(server: GitServer) -> None:
    server.slow["/"] = 5.0
    sources = [source(f"slow-{i}", server.url(f"/slow-{i}.git")) for i in range(12)]
    results = collect(sources, reach(per_host=1))
    assert set(answers(results).values()) == {"timeout: no answer within 1 s"}
    assert len(server.requests) == 1


def test_a_server_that_drips(server: GitServer) -> None:
    """It sends git elsewhere at once, and then answers our own question a byte at a time: each byte within any read limit."""
    request_lines = []

    def drip(listening: socket.socket) -> None:
        while listening.fileno() >= 0:
            with contextlib.suppress(OSError), listening.accept()[0] as near:
                request_lines.append(near.recv(4096).split(b"\r\n")[0])
                if len(request_lines) == 1:
                    near.sendall(
                        b"HTTP/1.1 301 Moved\r\nLocation: /x/info/refs\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    )
                    continue
                for _ in range(100):
                    near.sendall(b"H")
                    time.sleep(0.1)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=drip, args=(listening,), daemon=True).start()
        started = time.monotonic()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/web.git"
        results = collect([source("web", url)], reach(per_host=1.5))
        assert time.monotonic() - started < 4
    assert {n: a.partition(":")[0] for n, a in answers(results).items()} == {"web": "timeout"}
    assert len(request_lines) == 2


def test_a_run_that_is_over_asks_nobody(server: GitServer) -> None:
    context = reach(seconds=0)
    assert answers(collect([source("late", server.url("/web.git"))], context)) == {
        "late": "unknown: the run ended before it was contacted"
    }
    server.slow["/"] = 5.0
    assert answers(collect([source("late", server.url("/web.git"))], reach(seconds=0.5))) == {
        "late": "unknown: the run ended before it answered"
    }
    assert len(server.requests) == 1


def test_without_git(server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    results = collect([source("web", server.url("/web.git")), source("bad", "ftp://x/y")], reach())
    assert answers(results) == {
        "web": "unknown: git is not on the PATH",
        "bad": "not-contacted: only https, ssh and http are supported, not ftp",
    }
