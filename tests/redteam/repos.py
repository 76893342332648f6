"""Repositories of one small fleet, made by code; a case adds the files that attack."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.helpers.manifests import APPS, RELEASE, sync
from tests.redteam.kit import Box

ENTRY = sync("https://git.test/fleet.git")
CHARTS = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: none, namespace: flux-system}
spec: {interval: 1h, url: "https://charts.test"}
"""
#: Writes the first line of what a generator named "leak" read into the name of that source.
REPLACEMENTS = """\
replacements:
- source: {kind: ConfigMap, name: leak, fieldPath: data.p, options: {delimiter: "\\n", index: 0}}
  targets:
  - select: {kind: HelmRelease, name: web}
    fieldPaths: [spec.chart.spec.sourceRef.name]
"""
FLEET = {"clusters/prod/flux-system/gotk-sync.yaml": ENTRY, "clusters/prod/apps.yaml": APPS, "apps/hr.yaml": RELEASE}
HEALTHY = {**FLEET, "apps/charts.yaml": CHARTS}
#: Far enough up from wherever a build is made.
UP = "/".join([".."] * 24)


def fleet(box: Box, files: Mapping[str, str | bytes], name: str = "repo", base: Mapping[str, str] = FLEET) -> Path:
    """Write a repository and commit it."""
    root = box.folder(name)
    for path, content in {**base, **files}.items():
        at = root / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_bytes(content if isinstance(content, bytes) else content.encode())
    commit(box, root)
    return root


def commit(box: Box, root: Path) -> str:
    """Commit all files; return the commit."""
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "state")):
        git(box, root, *arguments)
    return git(box, root, "rev-parse", "HEAD").strip()


def git(box: Box, root: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in
           (("NAME", "redteam"), ("EMAIL", "redteam@example.test"), ("DATE", "2026-11-30T00:00:00Z"))}  # fmt: skip
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(box.folder("home")),
        "GIT_CONFIG_NOSYSTEM": "1",
        **who,
    }
    ended = subprocess.run(
        ["git", "-C", str(root), *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return ended.stdout
