"""The servers that a recorded incident's sources live on here, and the command line against a cluster that names them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.e2e import incident, users
from tests.e2e.api import Body
from tests.e2e.cluster import Cluster
from tests.e2e.incident import INCIDENTS
from tests.servers.githttp import GitServer, git_server
from tests.servers.helm_repo import HelmServer, helm_server
from tests.servers.repositories import filled


@dataclass
class Hosts:
    """The servers that an incident's sources are moved to."""

    git: GitServer
    helm: HelmServer
    commits: dict[str, str] = field(default_factory=dict)

    def host(self, name: str) -> list[Body]:
        """Put an incident's trees and indexes on the servers; return its objects, which name these servers then."""
        files = incident.files(INCIDENTS / name)
        objects = incident.recorded(INCIDENTS / name, datetime.now(UTC))
        for body in objects:
            space, own = body["metadata"].get("namespace", ""), body["metadata"]["name"]
            if body["kind"] == "GitRepository" and (tree := _below(files, f"git/{space}/{own}/")):
                _, commit = filled(self.git.root / own, tree)
                body["spec"]["url"] = self.git.url(f"/{own}")
                self.commits[_commit(body)] = commit
            if body["kind"] == "HelmRepository" and (index := files.get(f"helm/{space}/{own}/index.yaml")):
                self.helm.files[f"/{own}/index.yaml"] = index
                body["spec"]["url"] = self.helm.url(f"/{own}")
        text = json.dumps(objects)
        for old, new in self.commits.items():
            text = text.replace(old, new) if old else text
        moved: list[Body] = json.loads(text)
        return moved


def _below(files: Mapping[str, bytes], prefix: str) -> dict[str, bytes]:
    return {path.removeprefix(prefix): content for path, content in files.items() if path.startswith(prefix)}


def _commit(repository: Body) -> str:
    revision: str = repository.get("status", {}).get("artifact", {}).get("revision", "")
    return revision.rpartition(":")[2]


@contextmanager
def running(root: Path) -> Iterator[Hosts]:
    """Start a git server over a folder, and a Helm repository."""
    with git_server(root) as git, helm_server() as helm:
        yield Hosts(git, helm)


def fluxdoctor(
    cluster: Cluster, cache: Path, *args: str, user: str = users.ADMIN, within: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end. ``within``: the command that starts it, such as one that limits it."""
    env = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig(user)), "XDG_CACHE_HOME": str(cache), "COLUMNS": "110"}
    argv = [*within, sys.executable, "-m", "fluxdoctor", *args]
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - ours


def told(report: Body) -> Body:
    """Return a report without its moment, and without what says where it was read from."""
    text = json.dumps({k: v for k, v in report.items() if k not in ("mode", "name", "taken", "timings")})
    # These are two runs: each probe, and the age of each condition, has its own moment.
    bare: Body = json.loads(re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|for (?:\d+[smhd])+", "T", text))
    return bare
