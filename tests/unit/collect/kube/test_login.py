"""Logging in: every way a kubeconfig can be wrong is one clear line, and no plugin makes the run wait."""

from __future__ import annotations

import base64
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from urllib3.exceptions import InsecureRequestWarning

from fluxdoctor.collect.kube.login import ClusterError, ClusterLogin, connect
from fluxdoctor.collect.net.deadline import Deadline

CANARY = "canary-6f1c0b"


def config(folder: Path, user: dict[str, Any], **cluster: Any) -> ClusterLogin:
    body = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "prod",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1", **cluster}}],
        "contexts": [
            {"name": "prod", "context": {"cluster": "c", "user": "u", "namespace": "apps"}},
            {"name": "dev", "context": {"cluster": "c", "user": "u"}},
        ],
        "users": [{"name": "u", "user": user}],
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(body))
    return ClusterLogin(str(path))


def plugin(folder: Path, script: str, **more: Any) -> dict[str, Any]:
    path = folder / "plugin.py"
    path.write_text(script)
    api = "client.authentication.k8s.io/v1"
    return {"exec": {"apiVersion": api, "command": sys.executable, "args": [str(path)], **more}}


def refused(login: ClusterLogin, seconds: float = 10) -> str:
    with pytest.raises(ClusterError) as error, connect(login, Deadline(seconds)):
        pass
    assert CANARY not in str(error.value)
    return str(error.value)


def test_a_token_an_impersonation_and_the_context_s_namespace(tmp_path: Path) -> None:
    login = config(tmp_path, {"token": CANARY})
    with connect(ClusterLogin(login.kubeconfig, as_user="jane", as_groups=("ops", "dev")), Deadline(10)) as connection:
        assert (connection.name, connection.host, connection.namespace) == ("prod", "https://127.0.0.1:1", "apps")
        assert connection.headers()[1:] == [
            ("Authorization", f"Bearer {CANARY}"),
            ("Impersonate-User", "jane"),
            ("Impersonate-Group", "ops"),
            ("Impersonate-Group", "dev"),
        ]
        assert CANARY not in repr(connection)


def test_a_plugin_gives_a_token(tmp_path: Path) -> None:
    script = (
        "import json, os\n"
        "asked = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n"
        "assert asked['spec'] == {'interactive': False}, asked\n"
        f"print(json.dumps({{**asked, 'status': {{'token': '{CANARY}' + os.environ['MORE']}}}}))\n"
    )
    login = config(tmp_path, plugin(tmp_path, script, env=[{"name": "MORE", "value": "-more"}]))
    with connect(login, Deadline(10)) as connection:
        assert ("Authorization", f"Bearer {CANARY}-more") in connection.headers()


def test_a_certificate_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    data = base64.b64encode(CANARY.encode()).decode()
    login = config(tmp_path, {"client-certificate-data": data, "client-key-data": data})
    with connect(login, Deadline(10)):
        assert [p.read_text() for p in scratch.rglob("*") if p.is_file() and p.name != ".owner"] == [CANARY]
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("raise SystemExit(3)", "failed with code 3"),
        ("print('no json')", "did not return an ExecCredential"),
        ("print('{}')", "did not return an ExecCredential"),
        ("print('{\"status\": {}}')", "returned neither a token nor a certificate"),
    ],
)
def test_a_plugin_that_fails_is_no_anonymous_login(tmp_path: Path, script: str, words: str) -> None:
    assert words in refused(config(tmp_path, plugin(tmp_path, script)))


def test_a_plugin_that_hangs_ends_with_the_run(tmp_path: Path) -> None:
    began = time.monotonic()
    message = refused(config(tmp_path, plugin(tmp_path, "import time; time.sleep(60)")), seconds=0.5)
    assert message == f"credential plugin {sys.executable!r} timed out"
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("gcp", "gke-gcloud-auth-plugin (gcloud container clusters get-credentials CLUSTER)"),
        ("azure", "kubelogin (kubelogin convert-kubeconfig)"),
        ("oidc", "kubectl oidc-login (https://github.com/int128/kubelogin), or a token"),
        ("other", "the plugin of your provider"),
    ],
)
def test_a_legacy_auth_provider_is_refused_and_its_command_never_run(tmp_path: Path, name: str, instead: str) -> None:
    mark = tmp_path / "ran"
    settings = {"cmd-path": "touch", "cmd-args": str(mark), "access-token": CANARY, "id-token": CANARY}
    login = config(tmp_path, {"auth-provider": {"name": name, "config": settings}})
    assert refused(login, seconds=2) == (
        f"{login.kubeconfig}, context prod: the context uses the legacy auth-provider {name!r}. "
        f"Use an exec plugin instead: {instead}."
    )
    assert not mark.exists()


def test_what_a_plugin_started_ends_with_it(tmp_path: Path) -> None:
    mark = tmp_path / "child"
    script = f"import subprocess, sys\nsubprocess.run(['sh', '-c', 'echo $$ > {mark}; exec sleep 60'])\n"
    refused(config(tmp_path, plugin(tmp_path, script)), seconds=2)
    running = Path(f"/proc/{mark.read_text().strip()}/cmdline")
    ends = time.monotonic() + 10
    while running.exists() and running.read_bytes() and time.monotonic() < ends:
        time.sleep(0.05)
    assert not (running.exists() and running.read_bytes())


@pytest.mark.parametrize(
    "exec_", ["hello", {"command": "sh", "args": 3}, {"command": "sh", "env": [["a"]], "args": ["-c", "exit 4"]}]
)
def test_an_exec_section_of_the_wrong_form_is_one_line(tmp_path: Path, exec_: Any) -> None:
    message = refused(config(tmp_path, {"exec": exec_}))
    assert "the kubeconfig's exec section is not a mapping" in message or "failed with code 4" in message


@pytest.mark.parametrize(("cluster", "warnings_count"), [({"insecure-skip-tls-verify": True}, 0), ({}, 1)])
def test_a_kubeconfig_that_verifies_nothing_is_not_told_of_at_each_request(
    tmp_path: Path, cluster: dict[str, Any], warnings_count: int
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with connect(config(tmp_path, {}, **cluster), Deadline(10)):
            warnings.warn("Unverified HTTPS request is being made", InsecureRequestWarning, stacklevel=1)
    assert len(caught) == warnings_count


def test_a_socks_proxy_says_what_it_needs(tmp_path: Path) -> None:
    assert refused(config(tmp_path, {"token": CANARY}, **{"proxy-url": "socks5://127.0.0.1:1"})) == (
        "context prod uses a SOCKS proxy, which requires PySocks. Run: pip install pysocks"
    )


def test_a_plugin_that_is_not_installed_says_how_to_get_it(tmp_path: Path) -> None:
    user = {"exec": {"apiVersion": "v1", "command": "no-such-plugin", "installHint": "Get it from the vendor."}}
    assert refused(config(tmp_path, user)) == (
        "the kubeconfig uses credential plugin 'no-such-plugin', which is not installed. Get it from the vendor."
    )


def test_a_context_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    path = config(tmp_path, {"token": CANARY}).kubeconfig
    assert refused(ClusterLogin(path, context="porod")) == (
        f"{path}: context 'porod' does not exist; available contexts: dev, prod. Set one with --context."
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "kubeconfig"),
        ("a: [", "config:1: the kubeconfig is not YAML"),
        ("current-context: prod\ncontexts:\n- {name: prod, context: {cluster: gone}}\n", "gone"),
        ("[]", "not a valid kubeconfig"),
        ("[" * 100_000, "the kubeconfig is nested too deep"),
        (json.dumps({"current-context": "x", "contexts": [{"name": "x", "context": {}}]}), "x"),
    ],
)
def test_a_damaged_kubeconfig_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    message = refused(ClusterLogin(str(path)))
    assert words in message
    assert "Traceback" not in message


def test_no_cluster_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert refused(ClusterLogin()).endswith("replay a snapshot with --from DIR, or try `fluxdoctor demo`.")
