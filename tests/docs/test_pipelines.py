"""Action, GitLab component, hook and Containerfile: what can be told of them without their runners. They are run in tests/e2e."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.helpers import docpages, pipelines
from tests.helpers.pipelines import ROOT

EXAMPLES = ROOT / "examples"
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def test_each_step_of_the_action_takes_its_inputs_from_its_environment() -> None:
    names = [(step.name, sorted(step.env)) for step in pipelines.steps(path="fleet", changed_since="origin/main")]
    assert names == [
        ("Install fluxdoctor", ["ACTION", "PYTHON"]),
        ("Find kustomize", ["ACTION"]),
        ("Check", ["FAIL_ON", "FOLDER", "MORE", "SARIF", "SINCE"]),
    ]


def test_the_example_of_the_action_gives_it_inputs_that_it_has() -> None:
    body = yaml.safe_load((EXAMPLES / "github/.github/workflows/fleet.yml").read_text("utf-8"))
    uses = [step for step in body["jobs"]["check"]["steps"] if step.get("uses", "").startswith("fluxdoctor/")]
    assert [sorted(step["with"]) for step in uses] == [["changed-since", "fail-on"]]
    assert {key for step in uses for key in step["with"]} <= set(pipelines.action()["inputs"])


def test_the_example_of_the_component_gives_it_what_it_asks_for() -> None:
    body = yaml.safe_load((EXAMPLES / "gitlab/.gitlab-ci.yml").read_text("utf-8"))
    job = pipelines.gitlab(**{k.replace("-", "_"): v for k, v in body["include"][0]["inputs"].items()})
    assert job["image"] == {"name": "$CI_REGISTRY/platform/fluxdoctor:main", "entrypoint": [""]}
    assert job["allow_failure"] == {"exit_codes": [3]}
    written = set(re.findall(r"--output \w+=(\S+)", job["script"][0]))
    assert written == set(job["artifacts"]["paths"]) == set(job["artifacts"]["reports"].values())


def test_scripts_are_shell() -> None:
    scripts = [step.run for step in pipelines.steps()] + pipelines.gitlab(image="x")["script"]
    for script in scripts:
        done = subprocess.run(["bash", "-n", "-c", script], capture_output=True, text=True, check=False)  # noqa: S603, S607
        assert (done.returncode, done.stderr) == (0, ""), script


def test_the_manifest_of_the_hook_is_what_pre_commit_reads() -> None:
    done = subprocess.run(  # noqa: S603 - a tool of the development environment
        [sys.executable, "-m", "pre_commit", "validate-manifest", str(ROOT / ".pre-commit-hooks.yaml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    hooks = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
    example = yaml.safe_load((EXAMPLES / "pre-commit/.pre-commit-config.yaml").read_text("utf-8"))
    assert {hook["id"] for repo in example["repos"] for hook in repo["hooks"]} == hooks


def test_the_pages_show_the_examples_as_they_are() -> None:
    pages = (docpages.DOCS / "how-to/ci.md", docpages.DOCS / "how-to/in-cluster.md")
    shown = {s.path: s.text for page in pages for s in docpages.steps(page) if isinstance(s, docpages.File)}
    files = (p for p in EXAMPLES.rglob("*") if p.is_file() and p.suffix in (".yml", ".yaml"))
    assert shown == {str(p.relative_to(ROOT)): p.read_text("utf-8") for p in files}


def test_the_image_runs_as_nobody_and_holds_what_it_needs() -> None:
    found = pipelines.containerfile()
    last = [i for i in found if i.stage == found[-1].stage]
    assert [i.rest for i in last if i.word == "USER"] == ["65532:65532"]
    assert [i.word for i in last][-4:] == ["WORKDIR", "USER", "ENTRYPOINT", "CMD"]
    copied = [i.rest for i in last if i.word == "COPY"]
    assert copied == [
        "--from=kustomize /usr/local/bin/kustomize /usr/local/bin/kustomize",
        "--from=program /opt/fluxdoctor /opt/fluxdoctor",
    ]
    assert {re.findall(r"--from=(\w+)", c)[0] for c in copied} <= {i.stage for i in found}
    images = dict(i.rest.split("=", 1) for i in found if i.word == "ARG")
    assert [b for b in images.values() if not re.fullmatch(r"docker\.io/library/\w+:[\w.-]+", b)] == []
    bases = [i.rest.split()[0] for i in found if i.word == "FROM"]
    assert bases == ["${GO}", "${PYTHON}", "${PYTHON}"], "a virtual environment runs with the Python that made it"


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    sources = [
        s
        for i in pipelines.containerfile()
        if i.word == "COPY" and not i.rest.startswith("--from")
        for s in i.rest.split()[:-1]
    ]
    assert [s for s in sources if not (ROOT / s).exists()] == []
    let_in = [line[1:] for line in (ROOT / ".containerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    assert [s for s in sources if not any(fnmatch.fnmatch(s, pattern) for pattern in let_in)] == []
    assert (ROOT / ".dockerignore").read_text("utf-8") == (ROOT / ".containerignore").read_text("utf-8")


def test_what_the_image_copies_is_enough_to_install_it(tmp_path: Path) -> None:
    for step in pipelines.containerfile():
        if step.stage == "program" and step.word == "COPY":
            *sources, target = step.rest.split()
            for source in sources:
                name = source if target == "./" else target
                copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
                copy(ROOT / source, tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", "wheels", "."],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "wheels").iterdir()
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("fluxdoctor/report/schema-1.json", "fluxdoctor/cli/scaffold/templates/page.md.tmpl",
                 "fluxdoctor_rules/helm/hook-failed.md", "fluxdoctor/demo/snapshot.yaml"):  # fmt: skip
        assert name in names


@pytest.mark.parametrize("file", ["action.yml", "templates/check.yml"])
def test_only_options_that_exist_are_used(file: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fluxdoctor", "check", "--help"], capture_output=True, text=True, check=True
    )
    text = "\n".join(line for line in Path(ROOT / file).read_text("utf-8").splitlines() if "pip" not in line)
    used = set(_OPTION.findall(text)) - {"--no-deps", "--requirement"}
    assert used - set(_OPTION.findall(done.stdout)) == set()
