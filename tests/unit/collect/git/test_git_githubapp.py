"""A GitHub App's key is exchanged for a token over TLS, once, and the repository is read with it."""

from __future__ import annotations

import base64
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fluxdoctor.collect.git import collect
from tests.helpers.gitworld import answers, reach, secret, source
from tests.helpers.spy import Spy
from tests.servers.githttp import git_server
from tests.servers.github import GitHub, github
from tests.servers.repositories import filled
from tests.servers.tls import Authority


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def test_apps(tmp_path: Path) -> None:
    authority, key, other = Authority(), *(rsa.generate_private_key(65537, 2048) for _ in range(2))
    for name in ("one", "two"):
        filled(tmp_path / f"{name}.git", {"a.yaml": "a: 1\n"})
    api = GitHub(key.public_key(), tokens={"42": "canary-token"}, owners={"users/jane": 42})
    with github(api, authority.server()), git_server(tmp_path, authority.server()) as server:
        server.authorization["/"] = "Basic " + base64.b64encode(b"x-access-token:canary-token").decode()
        app: dict[str, str | bytes] = {
            "githubAppID": "7",
            "githubAppBaseURL": api.url,
            "ca__crt": authority.pem,
            "githubAppPrivateKey": _pem(key),
        }
        secrets = {
            "good": secret(**app, githubAppInstallationID="42"),
            "owner": secret(**app, githubAppInstallationOwner="jane"),
            "stranger": secret(**app, githubAppInstallationOwner="joe"),
            "absent": secret(**app, githubAppInstallationID="43"),
            "badkey": secret(**{**app, "githubAppPrivateKey": _pem(other)}, githubAppInstallationID="42"),
            "nokey": secret(**{**app, "githubAppPrivateKey": "nonsense"}, githubAppInstallationID="42"),
            "untrusted": secret(**{**app, "ca__crt": ""}, githubAppInstallationID="42"),
            "plain": secret(**{**app, "githubAppBaseURL": "http://192.0.2.1/api"}, githubAppInstallationID="42"),
            "file": secret(**{**app, "githubAppBaseURL": "file:///etc/passwd"}, githubAppInstallationID="42"),
        }
        sources = [source(name, server.url("/one.git"), name, provider="github") for name in secrets]
        sources.append(source("again", server.url("/two.git"), "good", provider="github"))
        with Spy() as spy:
            results = collect(sources, reach(secrets))
    assert answers(results) == {
        "good": "ok: 1 branch, 0 tags",
        "again": "ok: 1 branch, 0 tags",
        "owner": "ok: 1 branch, 0 tags",
        "stranger": "authentication: GitHub App 7 is not installed for joe",
        "absent": "authentication: GitHub App 7 has no installation 43",
        "badkey": "authentication: the API refuses GitHub App 7 and its key with 401",
        "nokey": "unknown: githubAppPrivateKey in Secret flux-system/nokey is not an RSA private key in PEM format",
        "untrusted": f"tls-unknown-ca: the TLS handshake with 127.0.0.1:{api.port} failed",
        "plain": "unknown: githubAppBaseURL is plain http: the GitHub App was not contacted",
        "file": "not-contacted: only https, ssh and http are supported, not file",
    }
    assert sorted(r.partition("/api/v3/")[2] for r in api.requests) == [
        "app/installations/42/access_tokens", "app/installations/42/access_tokens", "app/installations/42/access_tokens",
        "app/installations/43/access_tokens", "orgs/jane/installation", "orgs/joe/installation", "users/jane/installation",
        "users/joe/installation",
    ]  # fmt: skip
    assert b"canary-token" not in spy.everything + repr(results).encode()
