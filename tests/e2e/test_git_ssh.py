"""Git over a real sshd: keys, known_hosts, and what OpenSSH says when one of them is wrong."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from fluxdoctor.collect.git import collect
from fluxdoctor.collect.probe_context import ProbeContext
from tests.helpers.failing import Case
from tests.helpers.failing import found as diagnosed
from tests.helpers.gitworld import answers, reach, ref, secret, source
from tests.helpers.spy import Spy
from tests.servers import apt
from tests.servers.repositories import commit, empty, filled
from tests.servers.sshd import SshServer, private, public, ssh_server

pytestmark = pytest.mark.skipif(
    not apt.program("sshd", "openssh-server"), reason="no sshd: apt-get install openssh-server"
)
OK = "ok: 1 branch, 0 tags"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with ssh_server(tmp_path_factory.mktemp("sshd") / "run") as running:
        yield running


@pytest.fixture
def root(tmp_path: Path) -> Path:
    filled(tmp_path / "web.git", {"apps/web.yaml": "a: 1\n", "x.bin": b"\0" * 1000})
    empty(tmp_path / "empty.git")
    return tmp_path


def test_ssh_answers(server: SshServer, root: Path) -> None:
    key, other = server.client_key, ed25519.Ed25519PrivateKey.generate()
    entry = f"[127.0.0.1]:{server.port} "
    secrets = {
        "good": secret(identity=private(key), known_hosts=server.known_hosts),
        "encrypted": secret(identity=private(key, b"pass"), password="pass", known_hosts=server.known_hosts),
        "passphrase": secret(identity=private(key, b"pass"), password="wrong", known_hosts=server.known_hosts),
        "stranger": secret(identity=private(other), known_hosts=server.known_hosts),
        "unknown": secret(identity=private(key), known_hosts="git.example.com " + public(other)),
        "noport": secret(identity=private(key), known_hosts="127.0.0.1 " + public(server.host_key)),
        "changed": secret(identity=private(key), known_hosts=entry + public(other)),
        "type": secret(identity=private(key), known_hosts=entry + public(rsa.generate_private_key(65537, 2048))),
        "garbage": secret(identity="nonsense", known_hosts=server.known_hosts),
    }
    web = server.url(root / "web.git")
    sources = [source(name, web, name) for name in secrets]
    sources += [
        source("empty", server.url(root / "empty.git"), "good"), source("absent", server.url(root / "absent.git"), "good"),
        source("refused", "ssh://git@127.0.0.1:1/x.git", "good"), source("nosecret", web),
        source("dns", "ssh://git@git.invalid/x.git", "good"),
    ]  # fmt: skip
    results = collect(sources, reach(secrets))
    visible = _fingerprint(server)
    none = f"No ED25519 host key is known for [127.0.0.1]:{server.port} and you have requested strict checking"
    assert answers(results) == {
        "good": OK,
        "encrypted": OK,
        "passphrase": "unknown: identity in Secret flux-system/passphrase is encrypted, or its password is wrong",
        "stranger": f"authentication: {server.user}@127.0.0.1: Permission denied (publickey)",
        "unknown": f"host-key-absent: {none}",
        "noport": f"host-key-absent: {none}",
        "changed": f"host-key-mismatch: the server presents the ED25519 key {visible}",
        "type": f"host-key-mismatch: the server presents the ED25519 key {visible}",
        "garbage": "unknown: identity in Secret flux-system/garbage is not a private key",
        "empty": "empty: the repository has no commit",
        "absent": f"not-found: '{root}/absent.git' does not appear to be a git repository",
        "refused": "refused: connect to host 127.0.0.1 port 1: Connection refused",
        "nosecret": "unknown: ssh requires a Secret with identity and known_hosts, but spec.secretRef is not set",
        "dns": "dns: git.invalid does not resolve",
    }
    assert {r.name: tree.paths for r, tree in results.trees.items()} == dict.fromkeys(
        ("good", "encrypted"), ("apps/web.yaml", "x.bin")
    )
    assert results.trees[ref("good")].text("apps/web.yaml") == b"a: 1\n"


def _fingerprint(server: SshServer) -> str:
    digest = hashlib.sha256(base64.b64decode(public(server.host_key).split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).rstrip(b"=").decode()


def test_an_older_revision_over_ssh(server: SshServer, root: Path) -> None:
    """Debian's sshd passes no GIT_PROTOCOL on: protocol 0, so only what a branch leads to can be had."""
    repository, old = filled(root / "history.git", {"a.yaml": "a: 1\n"})
    new = commit(repository, {"b.yaml": "b: 1\n"}, parent=old)
    secrets = {"s": secret(identity=private(server.client_key), known_hosts=server.known_hosts)}
    url = server.url(repository)
    sources = [
        source("old", url, "s", revision=f"main@sha1:{old}"),
        source("new", url, "s", revision=f"main@sha1:{new}"),
    ]
    results = collect(sources, reach(secrets))
    assert {r.name: tree.paths for r, tree in results.trees.items()} == {"new": ("b.yaml",)}
    assert [str(gap.scope) for gap in results.gaps] == ["git/flux-system/old"]


def test_no_key_is_seen(server: SshServer, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nonexistent")
    encrypted = private(server.client_key, b"canary-passphrase")
    secrets = {"s": secret(identity=encrypted, password="canary-passphrase", known_hosts=server.known_hosts)}
    with Spy(temporary) as spy:
        results = collect([source("web", server.url(root / "web.git"), "s")], reach(secrets, cache=tmp_path / "cache"))
    assert answers(results) == {"web": OK}
    assert {"git", "ssh"} <= spy.programs
    plain = private(server.client_key).decode().splitlines()[1:-1]
    cached = b"".join(p.read_bytes() for p in (tmp_path / "cache").rglob("*") if p.is_file())
    visible = {
        **{name: b"\n".join(pair) for name, pair in spy.seen.items()},
        "kept": cached,
        "found": repr(results).encode(),
    }
    assert [
        (where, w) for where, text in visible.items() for w in ("canary-passphrase", *plain) if w.encode() in text
    ] == []
    # GitPython's readers of local objects inherit the caller's environment; what talks to the remote must not.
    local = ("cat-file", "version")
    assert [n for n, text in visible.items() if b"SSH_AUTH_SOCK" in text and not any(word in n for word in local)] == []
    assert {mode for path, mode in spy.modes.items() if path.endswith(("identity", "known_hosts", "ssh_config"))} == {
        0o600
    }
    assert list(temporary.iterdir()) == []


def test_only_the_addresses_that_were_checked_are_asked(
    server: SshServer, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is resolved once, by us: known_hosts is asked for the name, the connection goes to the address."""
    monkeypatch.setattr(ProbeContext, "addresses", lambda *_: ("127.0.0.1",))
    url = server.url(root / "web.git").replace("127.0.0.1", "git.test")
    right, wrong = (f"[{name}]:{server.port} {public(server.host_key)}" for name in ("git.test", "127.0.0.1"))
    secrets = {
        n: secret(identity=private(server.client_key), known_hosts=k) for n, k in (("right", right), ("wrong", wrong))
    }
    results = collect([source(name, url, name) for name in secrets], reach(secrets))
    assert {n: a.partition(":")[0] for n, a in answers(results).items()} == {"right": "ok", "wrong": "host-key-absent"}


def test_answers_become_proof(server: SshServer, root: Path) -> None:
    other = ed25519.Ed25519PrivateKey.generate()
    entry = f"[127.0.0.1]:{server.port} "
    secrets = {
        "stranger": secret(identity=private(other), known_hosts=server.known_hosts),
        "unknown": secret(identity=private(server.client_key), known_hosts="git.example.com " + public(other)),
        "changed": secret(identity=private(server.client_key), known_hosts=entry + public(other)),
    }
    clone, url = "unable to clone '{url}': ssh: handshake failed: ", server.url(root / "web.git")
    refused = "ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain"
    proofs = diagnosed(
        [
            Case("stranger", url, clone + refused, "stranger"),
            Case("unknown", url, clone + "knownhosts: key is unknown", "unknown"),
            Case("changed", url, clone + "knownhosts: key mismatch", "changed"),
        ],
        secrets,
    )
    assert proofs == {
        "stranger": ("source/git-authentication-failed", "proven",
                     f"access denied ({server.user}@127.0.0.1: Permission denied (publickey))"),
        "unknown": ("source/known-hosts-lacks-host", "proven", "no key of the host in known_hosts (No ED25519 host key is "
                    f"known for [127.0.0.1]:{server.port} and you have requested strict checking)"),
        "changed": ("source/host-key-changed", "proven", "host key differs from known_hosts (the server presents the ED25519 "
                    f"key {_fingerprint(server)})"),
    }  # fmt: skip
