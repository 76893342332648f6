"""No login is ever seen: not in arguments, environments, files that stay, logs, results or exceptions."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fluxdoctor.collect.git import collect, revision
from fluxdoctor.collect.git.login import GitLogin, read
from fluxdoctor.collect.git.remote import parse
from fluxdoctor.intake.vault import Vault
from tests.helpers.gitworld import NAMESPACE, answers, reach, ref, secret, source
from tests.helpers.spy import Spy, descendants
from tests.servers.githttp import GitServer, git_server
from tests.servers.proxy import http_proxy
from tests.servers.repositories import filled
from tests.servers.tls import Authority

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="what others see is read from /proc")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    filled(tmp_path / "repositories" / "web.git", {"a.yaml": "a: 1\n"})
    return tmp_path / "repositories"


@pytest.fixture
def server(root: Path) -> Iterator[GitServer]:
    with git_server(root) as running:
        yield running


CANARIES = ("canary-user", "canary-password", "canary-bearer", "canary-proxy", "canary-url", "canary-env")


def test_no_login_is_seen(
    root: Path, temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority()
    certificate, key = authority.client()
    trusted = {"ca__crt": authority.pem, "tls__crt": certificate, "tls__key": key}
    secrets = {
        "basic": secret(username="canary-user", password="canary-password", **trusted),
        "bearer": secret(bearerToken="canary-bearer", **trusted),
        "proxy": secret(address="", username="canary-user", password="canary-proxy"),
        "trust": secret(**trusted),
    }
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "http.extraHeader")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "X-Token: canary-env")
    caplog.set_level(logging.DEBUG)
    with http_proxy("canary-user:canary-proxy") as proxy, git_server(root, authority.server(clients=True)) as server:
        secrets["proxy"] = secret(address=proxy.address, username="canary-user", password="canary-proxy")
        server.slow["/"] = 0.1
        server.status["/refused"] = 403
        server.body["/refused"] = b"no canary-password, no canary-bearer"
        url = server.url("/web.git")
        with Spy(temporary) as spy:
            results = collect(
                [
                    source("basic", url, "basic"), source("bearer", url, "bearer"),
                    source("proxied", url, "basic", proxySecretRef={"name": "proxy"}),
                    source("refused", server.url("/refused.git"), "bearer"),
                    source("inurl", url.replace("https://", "https://canary-user:canary-url@"), "trust"),
                ],
                reach(secrets, cache=tmp_path / "cache"),
            )  # fmt: skip
        sent = {header for _, _, header in server.requests}
    assert {n: a.partition(":")[0] for n, a in answers(results).items()} == {
        "basic": "ok", "bearer": "ok", "proxied": "ok", "refused": "authentication", "inurl": "ok",
    }  # fmt: skip
    assert len(sent) == 3  # the logins did arrive
    assert {"git", "git-remote-https"} <= spy.programs
    visible = spy.everything + repr(results).encode() + caplog.text.encode() + os.fsencode(str(sorted(spy.modes)))
    encoded = [header.partition(" ")[2] for header in sent]
    private = [line for line in key.decode().splitlines() if len(line) == 64]
    assert [word for word in (*CANARIES, *encoded, *private) if word.encode() in visible] == []
    assert list(temporary.iterdir()) == []
    assert {mode for path, mode in spy.modes.items() if path.endswith(("online", "tls.key"))} == {0o600}
    assert {mode for path, mode in spy.modes.items() if path.count("/") == 0} == {0o700}
    cached = b"".join(p.read_bytes() for p in (tmp_path / "cache").rglob("*") if p.is_file())
    assert [word for word in (*CANARIES, *encoded) if word.encode() in cached] == []


def test_nothing_of_a_login_has_a_repr() -> None:
    data = secret(username="canary-user", password="canary-password", ca__crt="canary-authority")
    remote = parse("https://canary-user:canary-url@git.example.com/x")
    login = read(source("x", remote.url, "s"), remote, Vault({(NAMESPACE, "s"): data}))
    assert isinstance(login, GitLogin)
    assert "canary-" not in repr(login) + str(login)
    assert "canary-url" not in repr(remote)


def test_the_caller_s_git_settings_have_no_effect(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    touch = f"touch {marks}"
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f'[url "https://elsewhere.test/"]\n\tinsteadOf = {server.url("/")}\n[credential]\n\thelper = "!{touch}/helper"\n'
        f"[core]\n\tsshCommand = {touch}/ssh\n\thooksPath = {home}\n[http]\n\tproxy = http://127.0.0.1:1\n"
    )
    (home / ".netrc").write_text("machine 127.0.0.1 login canary password canary\n")
    hook = home / "reference-transaction"
    hook.write_text(f"#!/bin/sh\n{touch}/hook\n")
    hook.chmod(0o755)
    for name, value in {
        "HOME": str(home), "XDG_CONFIG_HOME": str(home), "GIT_DIR": str(tmp_path), "GIT_WORK_TREE": str(tmp_path),
        "GIT_OBJECT_DIRECTORY": str(tmp_path), "GIT_TRACE": str(marks / "trace"), "GIT_TRACE_CURL": str(marks / "curl"),
        "GIT_ASKPASS": str(marks / "ask"), "GIT_PROXY_COMMAND": f"{touch}/proxy", "GIT_EXEC_PATH": "/nonexistent",
        "GIT_CONFIG_PARAMETERS": "'http.proxy=http://127.0.0.1:1'", "GIT_NAMESPACE": "other", "GIT_SSL_NO_VERIFY": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    results = collect([source("web", server.url("/web.git"))], reach())
    assert answers(results) == {"web": "ok: 1 branch, 0 tags"}
    assert results.trees[ref("web")].paths == ("a.yaml",)
    assert list(marks.iterdir()) == []
    assert {header for _, _, header in server.requests} == {""}


def test_a_step_that_raises_tells_its_type_only(
    server: GitServer, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("canary-password")

    monkeypatch.setattr(revision, "read_refs", fail)
    assert answers(collect([source("web", server.url("/web.git"))], reach())) == {
        "web": "unknown: the collector failed: ValueError"
    }
    assert list(temporary.iterdir()) == []


_RUN = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from fluxdoctor.collect.git import collect
from tests.helpers.gitworld import reach, secret, source
print("begin", flush=True)
collect([source("web", sys.argv[2], "s")], reach({"s": secret(username="u", password="canary-password")}))
"""


def test_ctrl_c_leaves_nothing(server: GitServer, temporary: Path) -> None:
    server.slow["/"] = 20
    command = [sys.executable, "-c", _RUN, str(temporary), server.url("/web.git")]
    with subprocess.Popen(  # noqa: S603 - this very interpreter
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "begin\n"
        _until(lambda: any(b"git-remote-http" in _arguments(pid) for pid in descendants(process.pid)))
        children = descendants(process.pid)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
        seconds = time.monotonic() - started
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert "canary" not in errors
    assert seconds < 5
    assert [pid for pid in children if b"git" in _arguments(pid)] == []
    assert list(temporary.iterdir()) == []


def test_a_run_that_is_called_off_ends_with_what_it_has(server: GitServer, temporary: Path) -> None:
    server.slow["/"] = 20
    context = reach()
    with Spy() as spy, context.deadline.within(30).on_cancel(lambda: None):
        threading.Timer(0.5, context.deadline.cancel).start()
        results = collect([source("web", server.url("/web.git"))], context)
    assert answers(results) == {"web": "unknown: the run ended before it answered"}
    assert "git-remote-http" in spy.programs
    assert [pid for pid in descendants(os.getpid()) if b"remote-http" in _arguments(pid)] == []
    assert list(temporary.iterdir()) == []


def _arguments(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _until(true: object, seconds: float = 10) -> None:
    assert callable(true)
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_saved_snapshot_has_no_login(server: GitServer) -> None:
    results = collect([source("web", server.url("/web.git").replace("http://", "http://u:canary-password@"))], reach())
    assert "canary" not in json.dumps([repr(results.probes), repr(results.gaps), repr(dict(results.refs))])
