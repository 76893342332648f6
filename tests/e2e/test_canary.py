"""No value of any Secret that Flux refers to is ever seen: with real servers, real child processes and every output."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from fluxdoctor.report.formats import NAMES
from tests.e2e import aviary, incident, users
from tests.e2e.aviary import Aviary
from tests.e2e.cluster import Cluster
from tests.helpers.spy import Spy
from tests.servers import apt

pytestmark = [
    pytest.mark.skipif(not apt.program("sshd", "openssh-server"), reason="no sshd: apt-get install openssh-server"),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="what others see is read from /proc"),
]
#: The command line with all that any library would ever log.
_LOUD = """
import logging, runpy, sys, warnings
logging.basicConfig(level=1)
warnings.simplefilter("always")
runpy.run_module("fluxdoctor", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def birds(tmp_path: Path) -> Iterator[Aviary]:
    with aviary.running(tmp_path / "servers") as running:
        yield running


@dataclass(frozen=True)
class Watched:
    """The places that a run may write to, and the runs."""

    base: Path
    kubeconfig: Path

    @property
    def written(self) -> tuple[Path, ...]:
        """The folders that hold what the runs wrote."""
        return tuple(self.base / name for name in ("home", "cache", "tmp", "out"))

    def run(self, *args: str, loud: bool = False) -> subprocess.CompletedProcess[bytes]:
        for folder in self.written:
            folder.mkdir(parents=True, exist_ok=True)
        home, cache, scratch, _ = map(str, self.written)
        env = {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig),
            "HOME": home,
            "XDG_CACHE_HOME": cache,
            "TMPDIR": scratch,
        }
        how = ["-c", _LOUD] if loud else ["-m", "fluxdoctor"]
        return subprocess.run([sys.executable, *how, *args], env=env, capture_output=True, check=False, timeout=180)  # noqa: S603 - ours


def test_no_canary_is_ever_seen(cluster: Cluster, birds: Aviary, tmp_path: Path) -> None:
    incident.load_objects(cluster, birds.objects)
    watched = Watched(tmp_path / "run", cluster.kubeconfig(users.ADMIN, auth="exec"))
    out = watched.base / "out"
    reports = [f"--output={name}={out / name}" for name in NAMES]
    with Spy(watched.base / "tmp") as spy:
        said = [
            watched.run("diagnose", "--allow-local", "--verbose", *reports),
            watched.run("snapshot", "--allow-local", "-o", str(out / "folder")),
            watched.run("snapshot", "--allow-local", "-o", str(out / "snapshot.tgz")),
            watched.run("diagnose", "--from", str(out / "folder"), "--verbose"),
        ]
    assert [done.returncode for done in said] == [1, 0, 0, 1]
    probes = yaml.safe_load((out / "folder" / "probes.yaml").read_text())
    assert {p["name"]: p["answer"] for p in probes if p["name"] in birds.good} == dict.fromkeys(birds.good, "ok")
    assert {"git", "git-remote-https", "ssh"} <= spy.programs
    with tarfile.open(out / "snapshot.tgz") as packed:
        packed.extractall(out / "unpacked", filter="data")
    words = birds.words | {cluster.tokens[users.ADMIN]}
    assert len(words) > 40
    assert seen(words, b"\0".join([spy.everything, *(d.stdout + d.stderr for d in said)])) == []
    assert {str(f): found for f in files(watched.written) if (found := seen(words, f.read_bytes()))} == {}
    assert [str(f) for f in files((watched.base / "tmp", watched.base / "home"))] == []
    assert {path: oct(mode) for path, mode in spy.modes.items() if mode & 0o077} == {}


def test_no_log_of_any_library_has_a_canary(cluster: Cluster, birds: Aviary, tmp_path: Path) -> None:
    """What our own code and libraries write at their loudest: urllib3, kubernetes, botocore, asyncio, GitPython."""
    incident.load_objects(cluster, birds.objects)
    watched = Watched(tmp_path / "run", cluster.kubeconfig(users.ADMIN, auth="exec"))
    done = watched.run("diagnose", "--allow-local", "--verbose", loud=True)
    assert done.returncode == 1
    assert b"DEBUG" in done.stderr
    assert seen(birds.words | {cluster.tokens[users.ADMIN]}, done.stdout + done.stderr) == []


def seen(words: set[str], text: bytes) -> list[str]:
    """Return the words that a text has."""
    return sorted(word for word in words if word.encode() in text)


def files(folders: tuple[Path, ...]) -> list[Path]:
    """Return the files below folders."""
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]
