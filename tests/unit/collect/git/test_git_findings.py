"""Every class of answer, from a real server, lands in the right finding as proof of what the controller says."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.helpers.failing import Case, found
from tests.helpers.gitworld import secret
from tests.servers.githttp import git_server
from tests.servers.repositories import empty, filled
from tests.servers.tls import Authority

LIST = "unable to list remote for '{url}': "
GET = LIST + 'Get "{url}/info/refs?service=git-upload-pack": '


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


def test_answers_become_proof(tmp_path: Path) -> None:
    filled(tmp_path / "web.git", {"a.yaml": "a: 1\n"})
    empty(tmp_path / "empty.git")
    authority = Authority()
    secrets = {
        "ca": secret(ca__crt=authority.pem),
        "wrong": secret(username="flux", password="wrong"),
        "proxy": secret(address="http://127.0.0.1:1"),
    }
    with (
        git_server(tmp_path) as server,
        git_server(tmp_path) as stuck,
        git_server(tmp_path, authority.server()) as secure,
        git_server(tmp_path, authority.server(expired=True)) as expired,
        git_server(tmp_path, authority.server("elsewhere.test")) as renamed,
        git_server(tmp_path, authority.server(clients=True)) as strict,
    ):
        server.status |= {"/429": 429, "/503": 503, "/page": 200}
        stuck.slow["/"] = 10
        server.authorization["/web"] = "Basic " + base64.b64encode(b"flux:right").decode()
        cases = [
            Case("dns", "https://git.invalid/x.git", GET + "dial tcp: lookup git.invalid on 10.96.0.10:53: no such host"),
            Case("refused", "https://127.0.0.1:1/x.git", GET + "dial tcp 127.0.0.1:1: connect: connection refused"),
            Case("timeout", stuck.url("/web.git"), "unable to clone '{url}': context deadline exceeded"),
            Case("authority", secure.url("/web.git"), GET + "tls: failed to verify certificate: x509: certificate signed by "
                 "unknown authority"),
            Case("expired", expired.url("/web.git"), GET + "tls: failed to verify certificate: x509: certificate has expired or "
                 "is not yet valid: current time 2026-01-01T11:00:00Z is after 2025-01-01T00:00:00Z", secret="ca"),
            Case("renamed", renamed.url("/web.git"), GET + "tls: failed to verify certificate: x509: certificate is valid for "
                 "elsewhere.test, not 127.0.0.1", secret="ca"),
            Case("strict", strict.url("/web.git"), GET + "remote error: tls: certificate required", secret="ca"),
            Case("login", server.url("/web.git"), LIST + "authentication required: Unauthorized", secret="wrong"),
            Case("absent", server.url("/absent.git"), LIST + "repository not found"),
            Case("empty", server.url("/empty.git"), "git repository is empty"),
            Case("limited", server.url("/429.git"), LIST + 'unexpected requesting "{url}" status code: 429'),
            Case("broken", server.url("/503.git"), LIST + 'unexpected requesting "{url}" status code: 503'),
            Case("page", server.url("/page.git"), "unable to clone '{url}': invalid pkt-len found"),
            Case("proxy", "http://git.test/x.git", GET + "proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused",
                 proxy="proxy"),
        ]  # fmt: skip
        proofs = found(cases, secrets, per_host=2)
    assert proofs == {
        "dns": ("source/host-not-resolved", "proven", "host name not resolved (git.invalid does not resolve)"),
        "refused": ("source/connection-refused", "proven",
                    "connection failed (Failed to connect to 127.0.0.1 port 1: Couldn't connect to server)"),
        "timeout": ("source/timeout", "proven", "timed out (no answer within 2 s)"),
        "authority": ("source/tls-unknown-authority", "proven",
                      "certificate signed by unknown authority (unable to get local issuer certificate)"),
        "expired": ("source/tls-certificate-expired", "proven",
                    "certificate expired or not yet valid (certificate has expired)"),
        "renamed": ("source/tls-wrong-host", "proven",
                    "certificate is for another name (IP address mismatch, certificate is not valid for '127.0.0.1')"),
        "strict": ("source/tls-handshake-failed", "proven",
                   "TLS handshake failed (the server requires a client certificate)"),
        "login": ("source/git-authentication-failed", "proven", "access denied (401: the credentials are not accepted)"),
        "absent": ("source/git-repository-not-found", "proven", "not found (the server answers 404)"),
        "empty": ("source/repository-empty", "proven", "the repository has no commit"),
        "limited": ("source/rate-limited", "proven", "too many requests (the server answers 429)"),
        "broken": ("source/server-error", "proven", "server error (the server answers 503)"),
        "page": ("source/not-a-git-server", "proven",
                 "response has the wrong format (the answer is not from a git server)"),
        "proxy": ("source/proxy-unreachable", "proven",
                  "proxy failed (Failed to connect to 127.0.0.1 port 1: Couldn't connect to server)"),
    }  # fmt: skip


def test_a_host_that_serves_us_points_at_the_controller(tmp_path: Path) -> None:
    filled(tmp_path / "web.git", {"a.yaml": "a: 1\n"})
    with git_server(tmp_path) as server:
        proofs = found(
            [Case("web", server.url("/web.git"), GET + "dial tcp 10.0.0.1:80: connect: connection refused")], {}
        )
    hint = "success (1 branch, 0 tags); check the controller's network and its copy of the Secrets"
    assert proofs == {"web": ("source/connection-refused", "reported", hint)}
