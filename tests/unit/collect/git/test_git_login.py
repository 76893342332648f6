"""What a GitRepository logs in with, which commit it means, and which addresses are none: read without any server."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from fluxdoctor.collect.git import collect, login, remote
from fluxdoctor.collect.git.login import GitLogin
from fluxdoctor.collect.git.revision import bounded_refs, commit_of, read_refs, resolve
from fluxdoctor.collect.git.workspace import authorization, plain_key
from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.collect.probe_context import ProbeContext
from fluxdoctor.intake.vault import SecretData, Vault
from fluxdoctor.model.probes import Answer
from tests.helpers.gitworld import NAMESPACE, answers, reach, secret, source

HTTPS, SSH = "https://git.example.com/acme/web.git", "ssh://git@git.example.com/acme/web.git"
KEY, HOSTS = "a key", "git.example.com ssh-ed25519 AAAA"
APP = {"githubAppID": "1", "githubAppPrivateKey": "k"}


def read(url: str, data: SecretData | None = None, **spec: Any) -> GitLogin:
    vault = Vault({(NAMESPACE, "s"): data} if data else {})
    return login.read(source("web", url, "s" if data else "", **spec), remote.parse(url), vault)


def test_logins() -> None:
    assert read(HTTPS) == GitLogin()
    assert read("https://u%40x:p%3A@git.example.com/x") == GitLogin(username="u@x", password="p:")
    assert read(HTTPS, secret(username="u", password="p")) == GitLogin(
        username="u", password="p", secret="flux-system/s"
    )
    # go-git sends a user name and no password, too: a token of some providers.
    assert authorization(read(HTTPS, secret(username="token"))) == "Authorization: Basic dG9rZW46"
    assert authorization(read(HTTPS, secret(bearerToken="t", username="u"))) == "Authorization: Bearer t"
    # certFile and keyFile are old names that are read for charts and buckets only.
    assert read(HTTPS, secret(certFile="c", keyFile="k")) == GitLogin(secret="flux-system/s")
    assert read(HTTPS, secret(ca__crt="no certificate")).authority == b""
    ssh_login = read(SSH, secret(identity=KEY, known_hosts=HOSTS, password="pp"))
    assert (ssh_login.username, ssh_login.identity, ssh_login.passphrase, ssh_login.password) == (
        "git",
        KEY.encode(),
        "pp",
        "",
    )
    assert read("ssh://host/x", secret(identity=KEY, known_hosts=HOSTS)).username == "git"
    app = read(HTTPS, secret(**APP, githubAppInstallationID="2", username="u"), provider="github").app
    assert app
    assert (app.id, app.installation, app.owner, app.base_url) == ("1", "2", "", "https://api.github.com")


UNKNOWN: list[tuple[str, SecretData | None, dict[str, Any], str]] = [
    (SSH, None, {}, "ssh requires a Secret with identity and known_hosts, but spec.secretRef is not set"),
    (SSH, secret(identity=KEY), {}, "Secret flux-system/s has no known_hosts"),
    (SSH, secret(identity="", known_hosts=HOSTS), {}, "Secret flux-system/s has no identity"),
    (HTTPS, None, {"secretRef": {"name": "s"}}, "Secret flux-system/s was not read"),
    (HTTPS, None, {"proxySecretRef": {"name": "p"}}, "Secret flux-system/p was not read"),
    (HTTPS, secret(password="p"), {}, "Secret flux-system/s has a password but no username"),
    (HTTPS, secret(tls__crt="c"), {}, "Secret flux-system/s has only one of tls.crt and tls.key"),
    (HTTPS, secret(bearerToken="a\nb"), {},
     "bearerToken in Secret flux-system/s has a line break or another character that cannot be sent"),
    (HTTPS.replace("://", "://u@"), secret(bearerToken="t"), {},
     "Secret flux-system/s has a bearerToken and spec.url has a username: source-controller accepts only one of them"),
    (HTTPS, None, {"provider": "azure"},
     "provider azure uses the identity of a workload in the cluster, which is not available here"),
    (HTTPS, None, {"provider": "github"},
     "provider github requires a Secret with the data of a GitHub App, but spec.secretRef is not set"),
    (HTTPS, secret(**APP, githubAppInstallationID="2"), {},
     "Secret flux-system/s has the data of a GitHub App, but spec.provider is not github"),
    (HTTPS, secret(**APP), {"provider": "github"},
     "Secret flux-system/s requires githubAppID, githubAppPrivateKey and either githubAppInstallationID or "
     "githubAppInstallationOwner"),
    (HTTPS, secret(**APP, githubAppInstallationID="2", githubAppInstallationOwner="o"), {"provider": "github"},
     "Secret flux-system/s requires githubAppID, githubAppPrivateKey and either githubAppInstallationID or "
     "githubAppInstallationOwner"),
    (HTTPS, secret(**APP, githubAppInstallationID="../x"), {"provider": "github"},
     "githubAppID or githubAppInstallationID in Secret flux-system/s is not a number"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "data", "spec", "why"), UNKNOWN, ids=[row[3][:50] for row in UNKNOWN])
def test_a_login_that_cannot_be_used(url: str, data: SecretData | None, spec: dict[str, Any], why: str) -> None:
    with pytest.raises(UnreachableError) as caught:
        read(url, data, **spec)
    assert (caught.value.answer, caught.value.detail) == (Answer.UNKNOWN, why)


def test_the_fingerprint_tells_logins_apart() -> None:
    logins = [
        GitLogin(), GitLogin(username="a"), GitLogin(password="a"), GitLogin(username="a", password="b"), GitLogin(username="ab"),
        GitLogin(bearer="a"), GitLogin(key=b"a"), GitLogin(proxy=login.Proxy("http", "h", 1)),
        GitLogin(proxy=login.Proxy("http", "h", 1, "u")), GitLogin(app=login.App("1", "2", "", b"", "")),
    ]  # fmt: skip
    assert len({git_login.fingerprint for git_login in logins}) == len(logins)
    assert GitLogin(username="a", secret="x/y").fingerprint == GitLogin(username="a", secret="x/z").fingerprint


HOSTILE = {
    "ext::sh -c touch% /tmp/x": "spec.url contains white space or control characters",
    "ext::sh": "only https, ssh and http are supported, not ext",
    "file:///etc": "only https, ssh and http are supported, not file",
    "--upload-pack=touch": "only https, ssh and http are supported",
    "-oProxyCommand=x": "only https, ssh and http are supported",
    "/srv/git/x": "only https, ssh and http are supported",
    "git@github.com:acme/web.git": "only https, ssh and http are supported",
    "git://host/x": "only https, ssh and http are supported, not git",
    "HTTPS://host/x": "only https, ssh and http are supported",
    "": "only https, ssh and http are supported",
    "ssh://-oProxyCommand=touch/x": "spec.url has no valid host name",
    "ssh://git@-oProxyCommand=touch/x": "spec.url has no valid host name",
    "ssh://-oProxyCommand=touch@host/x": "the username in spec.url is not valid",
    "ssh://a`id`@host/x": "the username in spec.url is not valid",
    "https://$(id)/x": "spec.url has no valid host name",
    "https:///x": "spec.url has no valid host name",
    "https://[::1/x": "spec.url has no valid host name",
    "https://ho\nst/x": "spec.url contains white space or control characters",
    "https://host/x\x00y": "spec.url contains white space or control characters",
    "https://host/\u202ex": "spec.url contains white space or control characters",
    "https://host:99999/x": "the port in spec.url is not a number from 1 to 65535",
    "https://host:0/x": "the port in spec.url is not a number from 1 to 65535",
    "https://host:\u0661/x": "the port in spec.url is not a number from 1 to 65535",
    "https://host/x?private_token=canary": "spec.url must not have a query (?...)",
    "https://h\u00f6st/x": "spec.url has no valid host name",
    "https://host/" + "x" * 3000: "spec.url is longer than 2048 characters",
}


def test_addresses_that_are_not_contacted(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("nothing may be started")

    monkeypatch.setattr("fluxdoctor.collect.net.process.subprocess.Popen", never)
    results = collect([source(f"h{i}", url) for i, url in enumerate(HOSTILE)], reach())
    assert answers(results) == {f"h{i}": f"not-contacted: {why}" for i, why in enumerate(HOSTILE.values())}
    targets = "".join(probe.target for probe in results.probes.values())
    assert "canary" not in targets
    assert targets.isprintable()


def test_what_is_shown_of_an_address() -> None:
    assert remote.masked("ftp://user:canary@host/p@th?token=canary") == "ftp://host/th"
    assert remote.masked("user:canary@host:path") == "host:path"
    assert remote.parse("https://user:canary@host:443/x#y").url == "https://host/x"
    assert remote.parse("ssh://git@host:2222/x").url == "ssh://host:2222/x"
    assert remote.parse("https://[2001:db8::1]:8443/x").url == "https://[2001:db8::1]:8443/x"


def test_the_policy_of_the_run_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("nothing may be started")

    monkeypatch.setattr("fluxdoctor.collect.net.process.subprocess.Popen", never)
    sources = [
        source("loopback", "https://127.0.0.1/x"), source("metadata", "http://169.254.169.254/x"),
        source("name", "https://metadata.google.internal/x"), source("proxied", "https://git.test/x", proxySecretRef={"name": "p"}),
        source("behind", "https://127.0.0.1/x", proxySecretRef={"name": "q"}),
    ]  # fmt: skip
    secrets = {"p": secret(address="http://127.0.0.1:3128"), "q": secret(address="http://192.0.2.1:3128")}
    assert answers(collect(sources, reach(secrets, allow_local=False))) == {
        "loopback": "not-contacted: 127.0.0.1 is a loopback address: contacted only with --allow-local",
        "metadata": "not-contacted: 169.254.169.254 is a link-local address (used by cloud metadata services): contacted only with --allow-local",
        "name": "not-contacted: metadata.google.internal is a cloud metadata service",
        "proxied": "not-contacted: proxy: 127.0.0.1 is a loopback address: contacted only with --allow-local",
        "behind": "not-contacted: 127.0.0.1 is a loopback address: contacted only with --allow-local",
    }


def test_a_login_does_not_leave_over_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProbeContext, "addresses", lambda *_: ("192.0.2.1",))
    context = reach({"s": secret(username="u", password="p")})
    assert answers(collect([source("web", "http://git.corp.test/x", "s")], context)) == {
        "web": "unknown: credentials are not sent over plain http from here"
    }


A, B, C, D = ("a" * 40, "b" * 40, "c" * 40, "d" * 40)
REFS = {
    "HEAD": A, "refs/heads/main": A, "refs/heads/master": B, "refs/tags/v1.0.0": C, "refs/tags/v1.0.0^{}": B,
    "refs/tags/v1.2.0": D, "refs/tags/v2.0.0-rc.1": A, "refs/tags/1.3": A, "refs/tags/3.0.0+a": A, "refs/tags/3.0.0+b": B,
    "refs/pull/7/head": D,
}  # fmt: skip
SPECS: list[tuple[dict[str, str], str]] = [
    ({}, B), ({"branch": "main"}, A), ({"branch": "none"}, ""), ({"tag": "v1.0.0"}, B), ({"tag": "v1.2.0"}, D),
    ({"semver": ">=1.0.0 <2"}, D), ({"semver": "1.0.x"}, B), ({"semver": ">=2.0.0-0 <3"}, A), ({"semver": "~1.3"}, ""),
    ({"semver": "not a range"}, ""), ({"semver": "3.x"}, ""), ({"semver": "9.x"}, ""),
    ({"name": "refs/pull/7/head"}, D), ({"name": "refs/tags/v1.0.0"}, B), ({"name": "refs/tags/v1.0.0^{}"}, B),
    ({"commit": C, "branch": "main"}, C), ({"commit": "abc"}, ""),
    # As Clone of fluxcd/pkg/git v0.52 has it: commit, name, tag, semver, branch.
    ({"tag": "v1.0.0", "semver": ">=1.0.0", "branch": "main"}, B), ({"name": "refs/pull/7/head", "tag": "v1.0.0"}, D),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "commit"), SPECS, ids=lambda v: str(v)[:40])
def test_what_spec_ref_leads_to(spec: dict[str, str], commit: str) -> None:
    assert resolve(source("web", HTTPS, ref=spec), REFS) == commit


def test_revisions() -> None:
    long = "e" * 64
    assert {
        text: commit_of(text)
        for text in (f"main@sha1:{A}", f"sha1:{A}", f"refs/tags/v1@sha1:{A}", f"main/{A}", A, f"feature/x@sha256:{long}", "main", "")
    } == {
        f"main@sha1:{A}": A, f"sha1:{A}": A, f"refs/tags/v1@sha1:{A}": A, f"main/{A}": A, A: A,
        f"feature/x@sha256:{long}": long, "main": "", "": "",
    }  # fmt: skip


def test_refs_are_read_and_bounded() -> None:
    listed = f"{A}\tHEAD\n{B}\trefs/heads/x\nnonsense\n{C}\trefs/\x1b[31m\n{D}\trefs/tags/t^{{}}\n".encode()
    assert read_refs(listed) == {"HEAD": A, "refs/heads/x": B, "refs/tags/t^{}": D}
    assert bounded_refs(REFS, [], most=3) == {n: c for n, c in REFS.items() if not n.startswith("refs/pull")}
    assert bounded_refs(REFS, ["refs/pull/7/head"], most=3) == REFS
    assert bounded_refs(REFS, []) == REFS


def _pem(key: Any, form: serialization.PrivateFormat, passphrase: bytes = b"") -> bytes:
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return bytes(key.private_bytes(serialization.Encoding.PEM, form, encryption))


def test_ssh_keys_of_every_form() -> None:
    forms = serialization.PrivateFormat
    keys = [
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256R1()),
    ]
    for key in keys:
        for form in (forms.PKCS8, forms.OpenSSH, *([forms.TraditionalOpenSSL] if key is not keys[0] else [])):
            for passphrase in (b"", b"pass phrase"):
                git_login = GitLogin(identity=_pem(key, form, passphrase), passphrase=passphrase.decode())
                plain = serialization.load_ssh_private_key(plain_key(git_login), None)
                assert _pem(plain, forms.PKCS8) == _pem(key, forms.PKCS8)
    with pytest.raises(UnreachableError, match="identity in Secret a/b is encrypted, or its password is wrong"):
        plain_key(GitLogin(identity=_pem(keys[0], forms.OpenSSH, b"x"), passphrase="y", secret="a/b"))
    with pytest.raises(UnreachableError, match="identity in Secret a/b is encrypted, or its password is wrong"):
        plain_key(GitLogin(identity=_pem(keys[1], forms.PKCS8, b"x"), secret="a/b"))
    with pytest.raises(UnreachableError, match="identity in Secret a/b is not a private key"):
        plain_key(GitLogin(identity=b"nonsense", secret="a/b"))
