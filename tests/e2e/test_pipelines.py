"""The action's steps, the component's script and the pre-commit hook, run on a repository that breaks and is mended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from tests.e2e import build
from tests.helpers import pipelines
from tests.helpers.pipelines import ROOT

_SYNC = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 1m, ref: {branch: main}, url: "https://git.example.com/fleet.git"}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 10m, prune: true, path: ./clusters/prod, sourceRef: {kind: GitRepository, name: flux-system}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: shop, namespace: flux-system}
spec: {interval: 10m, prune: true, path: ./apps/shop, sourceRef: {kind: GitRepository, name: flux-system}}
"""


def git(folder: Path, *args: str) -> str:
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *args]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, env=env).stdout  # noqa: S603


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A repository in order, committed; ``apps/shop`` is then moved away in the working tree."""
    folder = tmp_path / "fleet"
    (folder / "clusters/prod").mkdir(parents=True)
    (folder / "apps/shop").mkdir(parents=True)
    (folder / "clusters/prod/gotk-sync.yaml").write_text(_SYNC)
    (folder / "apps/shop/kustomization.yaml").write_text("resources: [shop.yaml]\n")
    (folder / "apps/shop/shop.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop, namespace: default}\n"
    )
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "A fleet")
    git(folder, "mv", "apps/shop", "apps/store")
    return folder


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The variables of a runner with kustomize on PATH."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "PYTEST", "VIRTUAL_ENV"))}
    path = os.pathsep.join(
        [str(Path(sys.executable).parent), str(build.command("kustomize").parent), os.environ["PATH"]]
    )
    return {**clean, "PATH": path, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def test_the_steps_of_the_action(fleet: Path, env: dict[str, str], tmp_path: Path) -> None:
    runner = {name: tmp_path / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH")}
    for file in runner.values():
        file.touch()
    env |= {"RUNNER_TEMP": str(tmp_path), **{name: str(file) for name, file in runner.items()}}
    codes, said = [], ""
    for step in pipelines.steps(changed_since="HEAD", python=sys.executable):
        done = subprocess.run(  # noqa: S603 - the steps of our own action
            ["bash", "-c", step.run],  # noqa: S607 - the runner's bash
            cwd=fleet,
            env=env | dict(step.env),
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        codes.append(done.returncode)
        said = done.stdout
        assert "Traceback" not in done.stderr
    assert codes == [0, 0, 1]
    assert "::error " in said
    assert "clusters/prod/gotk-sync.yaml" in said
    assert runner["GITHUB_OUTPUT"].read_text() == "exit-code=1\n"
    assert "kustomize/path-not-found" in runner["GITHUB_STEP_SUMMARY"].read_text()
    sarif = json.loads((fleet / "fluxdoctor.sarif").read_text())
    assert [r["ruleId"] for r in sarif["runs"][0]["results"]] == ["kustomize/path-not-found"]


def test_the_script_of_the_component(fleet: Path, env: dict[str, str]) -> None:
    job = pipelines.gitlab(image="fluxdoctor")
    env |= {name: str(value) for name, value in job["variables"].items()}
    env["CI_MERGE_REQUEST_DIFF_BASE_SHA"] = git(fleet, "rev-parse", "HEAD").strip()
    script = ["sh", "-ec", "\n".join(job["script"])]
    done = subprocess.run(script, cwd=fleet, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 1, done.stderr
    quality = json.loads((fleet / "gl-code-quality-report.json").read_text())
    assert [(i["check_name"], i["location"]["path"]) for i in quality] == [
        ("kustomize/path-not-found", "clusters/prod/gotk-sync.yaml")
    ]
    tests = ET.parse(fleet / "fluxdoctor.xml").getroot()  # noqa: S314 - our own report
    assert len(tests.findall(".//failure")) == 1


def test_the_hook_run_by_pre_commit(fleet: Path, env: dict[str, str], tmp_path: Path) -> None:
    """The hook of this project as it stands in the working tree."""
    env["PRE_COMMIT_HOME"] = str(tmp_path / "pre-commit")
    project = _committed(tmp_path / "project")
    example = yaml.safe_load((ROOT / "examples/pre-commit/.pre-commit-config.yaml").read_text("utf-8"))
    example["repos"][0] |= {"repo": str(project), "rev": "HEAD"}
    (fleet / ".pre-commit-config.yaml").write_text(yaml.safe_dump(example))
    git(fleet, "add", "-A")
    run = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color", "never"]
    broken = subprocess.run(run, cwd=fleet, env=env, capture_output=True, text=True, check=False, timeout=600)  # noqa: S603
    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert "fluxdoctor check.........................................................Failed" in broken.stdout
    assert "kustomize/path-not-found" in broken.stdout
    git(fleet, "mv", "apps/store", "apps/shop")
    mended = subprocess.run(run, cwd=fleet, env=env, capture_output=True, text=True, check=False, timeout=600)  # noqa: S603
    assert (mended.returncode, mended.stdout.splitlines()[-1]) == (
        0, "fluxdoctor check.........................................................Passed",
    )  # fmt: skip


def _committed(folder: Path) -> Path:
    """Copy what this project is made of into a repository, as it is now."""
    folder.mkdir()
    for name in ("fluxdoctor", "rules"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".pre-commit-hooks.yaml", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "As it is")
    return folder
