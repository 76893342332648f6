"""Damaged repositories and settings end in a report, a gap or a usage error, with a true exit code, in every format."""

from __future__ import annotations

import json
import random
import re
import shutil
from functools import cache
from pathlib import Path

import pytest

from tests.helpers.manifests import sync
from tests.helpers.worlds import ROOT
from tests.hostile.fuzz.campaign import Run, campaign
from tests.hostile.fuzz.mutations import copied, damaged, damaged_text, written

_REPOSITORIES, _SETTINGS = 60, 60
_CASES = sorted((ROOT / "fixtures" / "check").glob("*.md"))
_FENCE = re.compile(r"^```(\S+) (\S+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)

_TOML = b"""fail-on = "warning"
baseline = "accepted.json"
[rules]
select = ["kustomize", "helm/*", "settings", "source"]
ignore = ["notify"]
[severity]
"kustomize/path-not-found" = "warning"
[[ignore]]
rule = "kustomize/*"
path = "apps/**"
object = "Kustomization/flux-system/*"
cluster = "clusters/prod"
reason = "will be moved"
expires = 2027-01-31
"""
_PROJECT = b"[project]\nname = 'x'\n" + re.sub(
    rb"^(\[+)(\w+)", rb"\1tool.fluxdoctor.\2", _TOML.replace(b"fail-on", b"[tool.fluxdoctor]\nfail-on", 1), flags=re.M
)
_BASELINE = {
    "fluxdoctor-baseline": 1,
    "findings": [
        {"rule": "kustomize/path-not-found", "object": "Kustomization/flux-system/apps", "cluster": "clusters/prod", "message": "x", "fingerprint": "a" * 16},
    ],
}  # fmt: skip
_SYNC = (
    sync().encode()
    + b"""\
---
# fluxdoctor: ignore[kustomize/path-not-found, helm/*] will be moved
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
  annotations: {fluxdoctor.dev/ignore: "kustomize/*,helm/*: will be moved"}
spec: {interval: 10m, path: ./nowhere, prune: true, sourceRef: {kind: GitRepository, name: flux-system}}
"""
)


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with git alone: what kustomize makes of odd files is kustomize's, and each build costs a second."""
    folder = tmp_path_factory.mktemp("bin")
    git = shutil.which("git")
    assert git
    (folder / "git").symlink_to(git)
    return str(folder)


@cache
def files(case: Path) -> dict[str, bytes]:
    """Return the files of a case."""
    return {
        path: content.replace("\n", "\r\n").encode(encoding) if encoding else content.encode()
        for kind, path, encoding, content in _FENCE.findall(case.read_text("utf-8"))
        if kind != "findings"
    }


def lay(content: dict[str, bytes], folder: Path) -> None:
    for path, text in content.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)


def repository(chance: random.Random, folder: Path) -> Run:
    case = chance.choice(_CASES)
    content = dict(files(case))
    notes = [case.stem]
    for target in chance.sample(sorted(content), k=min(len(content), chance.choice((1, 1, 2, 4)))):
        content[target], note = damaged_text(content[target], chance)
        notes.append(f"{target}: {note}")
    if chance.random() < 0.15:
        content[".sourceignore"] = damaged_text(b"*.md\n!x.md\n/docs/**\n[a-z]?\n\\#x\n", chance)[0]
    lay(content, folder / "fleet")
    if chance.random() < 0.15:
        target = chance.choice(sorted(content))
        file = folder / "fleet" / target
        file.unlink()
        place = chance.choice(("/etc/passwd", ".", "..", "nowhere", "/", ""))
        if place:
            file.symlink_to(place)
        else:
            file.mkdir()
        notes.append(f"{target} -> {place!r}")
    return Run(("check", "fleet", "--no-cache"), "; ".join(notes)[:600])


def settings(chance: random.Random, folder: Path) -> Run:
    content = {
        "fluxdoctor.toml": _TOML, "accepted.json": json.dumps(_BASELINE).encode(), "clusters/prod/flux-system/gotk-sync.yaml": _SYNC,
    }  # fmt: skip
    if chance.random() < 0.3:
        content["pyproject.toml"] = _PROJECT
        del content["fluxdoctor.toml"]
    target = chance.choice(sorted(content))
    if target == "accepted.json" and chance.random() < 0.6:
        body, note = damaged(copied(_BASELINE), chance)
        content[target] = written(body, chance)
    else:
        content[target], note = damaged_text(content[target], chance)
    lay(content, folder / "fleet")
    return Run(("check", "fleet", "--no-cache"), f"{target}: {note}"[:600])


def test_damaged_repositories(tmp_path: Path, path: str) -> None:
    wrong = campaign("repositories", _REPOSITORIES, repository, tmp_path, {"PATH": path})
    assert not wrong, wrong


def test_damaged_settings(tmp_path: Path, path: str) -> None:
    """Settings of a fork: file, table of pyproject.toml, baseline, comments and annotations."""
    wrong = campaign("settings", _SETTINGS, settings, tmp_path, {"PATH": path})
    assert not wrong, wrong
