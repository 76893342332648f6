"""``fluxdoctor new-rule``: a pack that passes as it is written, one more rule in it, and what it refuses."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.overlay import Overlay, overlay

__all__ = ["overlay"]

FIRST = [
    "acme-flux-rules/README.md",
    "acme-flux-rules/acme_flux_rules/__init__.py",
    "acme-flux-rules/acme_flux_rules/acme/__init__.py",
    "acme-flux-rules/acme_flux_rules/acme/team-label-missing.md",
    "acme-flux-rules/acme_flux_rules/acme/team_label_missing.py",
    "acme-flux-rules/pyproject.toml",
    "acme-flux-rules/tests/test_pages.py",
]


def new(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "fluxdoctor", "new-rule", *args],
        cwd=folder, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "COLUMNS": "100"},
    )  # fmt: skip


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("name", ["rules", "my rules"])
def test_the_commands_to_install_a_pack_name_its_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    done = new(tmp_path, "acme/team-label-missing", "--into", str(folder))
    commands = [shlex.split(line) for line in done.stdout.splitlines() if line.startswith("  ")]
    assert (done.returncode, commands) == (
        0,
        [
            [sys.executable, "-m", "pip", "install", "pytest", "--editable", str(folder)],
            [sys.executable, "-m", "pytest", str(folder)],
        ],
    )


def test_a_pack_and_one_more_rule_pass_and_fire(tmp_path: Path, overlay: Overlay) -> None:
    first = new(tmp_path, "acme/team-label-missing")
    assert (first.returncode, first.stderr, files(tmp_path)) == (0, "", FIRST)
    assert first.stdout.splitlines()[:2] == [
        "wrote acme-flux-rules/pyproject.toml",
        "wrote acme-flux-rules/README.md",
    ]
    second = new(tmp_path, "acme/cost-center-label-missing", "--into", "acme-flux-rules")
    assert (second.returncode, second.stderr) == (0, "")
    assert sorted(set(files(tmp_path)) - set(FIRST)) == [
        "acme-flux-rules/acme_flux_rules/acme/cost-center-label-missing.md",
        "acme-flux-rules/acme_flux_rules/acme/cost_center_label_missing.py",
    ]
    overlay.run("python", "-m", "pip", "install", "--quiet", "--editable", "./acme-flux-rules", cwd=tmp_path)
    pages = overlay.run("python", "-m", "pytest", "-q", "acme-flux-rules", cwd=tmp_path)
    assert pages.splitlines()[-1].startswith("6 passed")
    rows = json.loads(overlay.run("fluxdoctor", "rules", "--rule", "acme", "--format", "json", cwd=tmp_path))
    assert [(r["id"], r["severity"], r["summary"], r["needs"], r["pack"]) for r in rows] == [
        ("acme/cost-center-label-missing", "warning", "Cost center label missing", ["Cluster"], "acme-flux-rules"),
        ("acme/team-label-missing", "warning", "Team label missing", ["Cluster"], "acme-flux-rules"),
    ]
    demo = json.loads(overlay.run("fluxdoctor", "demo", "--format", "json", "--fail-on", "never", cwd=tmp_path))
    said = sorted({(f["rule"], f["message"]) for f in demo["findings"] if f["rule"].startswith("acme/")})
    assert said == [
        ("acme/cost-center-label-missing", "has no label cost-center"),
        ("acme/team-label-missing", "has no label team"),
    ]


def test_what_is_written_passes_our_own_linter(tmp_path: Path) -> None:
    assert new(tmp_path, "acme/team-label-missing").returncode == 0
    for command in (
        ("check", "--select", "ALL", "--ignore", "D203,D213,COM812,S101,CPY,INP001"),
        ("format", "--check"),
    ):
        done = subprocess.run(  # noqa: S603 - the linter of this project
            [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(tmp_path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("rule_id", "words"),
    [
        ("team-label-missing", "'team-label-missing' is not a rule id; use AREA/RULE"),
        ("Acme/team", "'Acme/team' is not a rule id"),
        ("acme/team_label", "'acme/team_label' is not a rule id"),
        ("acme/../team", "'acme/../team' is not a rule id"),
        ("../acme", "'../acme' is not a rule id"),
        ("acme/a/b", "'acme/a/b' is not a rule id"),
        ("3m/team", "area '3m' must begin with a letter"),
        ("helm/team-label-missing", "area helm belongs to fluxdoctor"),
        (
            "flux/unexplained",
            "rule flux/unexplained already exists in fluxdoctor; to show it, run: fluxdoctor explain flux/unexplained",
        ),
        ("acme/" + "x" * 61, "has 61 characters; the limit is 60"),
    ],
)
def test_a_wrong_id(rule_id: str, words: str, tmp_path: Path) -> None:
    done = new(tmp_path, rule_id)
    assert (done.returncode, done.stdout, files(tmp_path)) == (2, "", [])
    assert words in done.stderr


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    assert new(tmp_path, "acme/team-label-missing").returncode == 0
    page = tmp_path / FIRST[3]
    page.write_text("mine")
    done = new(tmp_path, "acme/team-label-missing", "--into", "acme-flux-rules")
    assert (done.returncode, page.read_text()) == (2, "mine")
    assert "already exists; use another rule id" in done.stderr


@pytest.mark.parametrize(
    ("project", "words"),
    [
        ("[project]\nname = 'x'\n", 'is not a rule pack: it has no [project.entry-points."fluxdoctor.rules"]'),
        ("[project\n", "pyproject.toml: cannot be read: "),
        ("[project.entry-points.'fluxdoctor.rules']\nx = 'gone'\n", "package gone does not exist below ."),
        ("[project.entry-points.'fluxdoctor.rules']\nx = '../up'\n", "is not a rule pack"),
    ],
)
def test_a_folder_that_is_no_pack(project: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(project)
    done = new(tmp_path, "acme/team-label-missing", "--into", ".")
    assert (done.returncode, files(tmp_path)) == (2, ["pyproject.toml"])
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("place", ["src", "rules", "."])
def test_a_pack_of_another_layout(place: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project.entry-points.'fluxdoctor.rules']\nx = 'our_rules'\n")
    home = tmp_path / place / "our_rules"
    home.mkdir(parents=True)
    (home / "__init__.py").touch()
    assert new(tmp_path, "acme/team-label-missing", "--into", ".").returncode == 0
    assert files(home) == [
        "__init__.py", "acme/__init__.py", "acme/team-label-missing.md", "acme/team_label_missing.py",
    ]  # fmt: skip
