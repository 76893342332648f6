"""A git repository with one cluster, for the tests of `fluxdoctor check`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fluxdoctor.cli.main import cli
from fluxdoctor.repository.build import kustomize
from tests.helpers.manifests import sync

SYNC = sync()
APPS = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  interval: 10m
  path: ./PATH
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system}
"""
WEB = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: web}\n"

needs_kustomize = pytest.mark.skipif(not kustomize.command(), reason="neither kustomize nor kubectl is on PATH")


def git(folder: Path, *arguments: str) -> None:
    known = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run([*known, *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S603 - no shell


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one cluster and nothing wrong, committed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "fleet"
    write(folder, {
        "clusters/prod/flux-system/gotk-sync.yaml": SYNC,
        "clusters/prod/apps.yaml": APPS.replace("PATH", "apps"),
        "apps/web.yaml": WEB,
    })  # fmt: skip
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "begin")
    return folder


def run_check(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["check", *arguments])


def finding_rows(result: Result) -> list[tuple[str, str, object, list[str]]]:
    """The findings of a JSON report: severity, rule, place, clusters."""
    body = json.loads(result.output)
    return [(f["severity"], f["rule"], f["location"] and f"{f['location']['file']}:{f['location']['line']}", f["clusters"])
            for f in body["findings"]]  # fmt: skip
