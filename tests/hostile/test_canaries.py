"""No word of a Secret or credential is seen anywhere: in no format, cache, snapshot, log, child process or file that stays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fluxdoctor.report.formats import NAMES
from tests.helpers import canaries
from tests.helpers.canaries import Flock
from tests.helpers.spy import Spy
from tests.servers.githttp import git_server
from tests.servers.kubeapi import kube_api
from tests.servers.repositories import commit, empty

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="what others see is read from /proc")
_LOUD = """
import logging, runpy, sys, warnings
logging.basicConfig(level=1)
warnings.simplefilter("always")
runpy.run_module("fluxdoctor", run_name="__main__", alter_sys=True)
"""
_SHIM = """#!/bin/sh
{{ printf '%s\\n' "$0" "$@"; env; }} >> {log}
exec {program} "$@"
"""


@dataclass
class Watched:
    """The program, and every place that it may write to."""

    base: Path
    flock: Flock = field(default_factory=Flock)
    prelude: str = ""
    """Code that runs before the program: it switches off a mechanism."""
    printed: list[bytes] = field(default_factory=list)

    def folder(self, name: str) -> Path:
        path = self.base / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def run(self, *args: str | Path, codes: tuple[int, ...] = (1,)) -> None:
        """Run a command at its loudest, with programs in its PATH that write down how they are called."""
        shims = self.folder("bin")
        for name in ("git", "kustomize", "kubectl"):
            if (program := shutil.which(name)) and not (shims / name).exists():
                (shims / name).write_text(_SHIM.format(log=self.base / "children.log", program=program))
                (shims / name).chmod(0o755)
        places = {"HOME": "home", "XDG_CACHE_HOME": "cache", "TMPDIR": "tmp"}
        environment = {**os.environ, **{name: str(self.folder(folder)) for name, folder in places.items()}}
        environment["PATH"] = f"{shims}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", self.prelude + _LOUD, *map(str, args)],
            env=environment,
            capture_output=True,
            check=False,
            timeout=120,
        )
        self.printed += [done.stdout, done.stderr]
        assert done.returncode in codes, done.stderr.decode()[-2000:]

    def places(self) -> Iterator[tuple[str, bytes]]:
        """Yield everything that is left to see, by its name."""
        yield "what is printed", b"\0".join(self.printed)
        for name in ("home", "cache", "tmp", "out"):
            for path in (self.base / name).rglob("*"):
                if path.is_file():
                    yield str(path.relative_to(self.base)), path.read_bytes()
        yield "children", (self.base / "children.log").read_bytes()

    def seen(self) -> dict[str, list[str]]:
        """Return the shapes that are seen, by place."""
        return {place: shapes for place, text in self.places() if (shapes := self.flock.seen(text))}


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "run")


def formats(out: Path) -> list[str]:
    return [f"--output={name}={out / name}" for name in NAMES]


def checked(watched: Watched) -> Spy:
    """Check a repository with Secrets in every spelling, twice: the second time from the cache."""
    root = watched.folder("repository")
    for path, text in canaries.repository(watched.flock).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A")):
        subprocess.run(["git", "-C", str(root), *arguments], check=True)  # noqa: S603, S607 - git of the tests
    with Spy(watched.folder("tmp")) as spy:
        for _ in range(2):
            watched.run("check", root, "--verbose", *formats(watched.folder("out")))
    return spy


def diagnosed(watched: Watched, *, is_brief: bool = False) -> Spy:
    """Diagnose and save a cluster whose controllers and API server quote credentials, and replay what was saved.

    ``is_brief``: only save it.
    """
    flock = watched.flock
    token, password = flock.word("the login at the API server", plain=True), flock.word("the login at the git server")
    git_root = watched.folder("git")
    empty(git_root / "fleet.git")
    revision = commit(git_root / "fleet.git", canaries.repository(flock))

    echoes: dict[str, Callable[[str], str]] = {
        "buckets": str,
        "helmcharts": canaries.b64,
        "receivers": lambda text: text.encode().hex(),
    }

    def odd(path: str, authorization: str) -> tuple[int, dict[str, object]] | None:
        """Repeat the login in the words of a refusal."""
        echo = echoes.get(path.rpartition("/")[2])
        words = f"no: {echo(authorization.partition(' ')[2])}, really" if echo else ""
        return (403, {"kind": "Status", "code": 403, "message": words}) if words else None

    with git_server(git_root) as git:
        git.authorization["/fleet.git"] = f"Basic {canaries.b64(f'deploy:{password}')}"
        source = canaries.thing(
            "GitRepository", "flux-system", spec={"interval": "1m", "url": git.url("/fleet.git"), "ref": {"branch": "main"}, "secretRef": {"name": "git"}},
            status={"artifact": {"revision": f"main@sha1:{revision}"}, "conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "ok"}]},
        )  # fmt: skip
        login = canaries.thing(
            "Secret", "git", data={"username": canaries.b64("deploy"), "password": canaries.b64(password)}
        )
        with kube_api([source, login, *canaries.objects(flock)], odd) as api, Spy(watched.folder("tmp")) as spy:
            config = watched.base / "kubeconfig"
            config.write_text(
                "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
                f"clusters: [{{name: c, cluster: {{server: '{api.url}'}}}}]\nusers: [{{name: u, user: {{token: {token}}}}}]\n"
            )
            out, live = watched.folder("out"), ("--kubeconfig", config, "--allow-local")
            watched.run("snapshot", *live, "-o", out / "folder", codes=(0, 3))
            if is_brief:
                return spy
            watched.run("diagnose", *live, "--verbose", *formats(out))
            watched.run("snapshot", *live, "-o", out / "packed.tgz", codes=(0, 3))
            watched.run("diagnose", "--from", out / "folder", "--verbose", *formats(watched.folder("out/replayed")))
    with tarfile.open(out / "packed.tgz") as packed:
        packed.extractall(out / "unpacked", filter="data")
    return spy


#: By mechanism: the code that switches it off.
_OFF = {
    "looks": "import fluxdoctor.intake.redact as m; m.mask_credentials = lambda text: text",
    "encodings": "import fluxdoctor.intake.redact as m; m.encoded_forms = lambda value: {value: ''}",
    "places": "import fluxdoctor.intake.secret_places as m; m._Walk.node = lambda self, node, *_: node",
    "sources": "import fluxdoctor.intake.masking as m; m.secret_sources = lambda *_: frozenset()",
    "credentials": "import fluxdoctor.intake.credentials as m; m.Credentials.remember = lambda *_: None",
    "facts": "import fluxdoctor.intake.secrets as m; m.facts = lambda body: body",
}


@pytest.mark.parametrize(
    ("mechanism", "place"),
    [
        ("looks", "out/folder/cluster/objects.json"),
        ("encodings", "out/folder/cluster/objects.json"),
        ("places", "out/folder/git/flux-system/flux-system/gen/inline/kustomization.yaml"),
        ("sources", "out/folder/git/flux-system/flux-system/gen/reading/more.yaml"),
        ("credentials", "out/folder/snapshot.yaml"),
        ("facts", "out/folder/cluster/objects.json"),
    ],
)
def test_a_mechanism_that_is_off_is_seen(mechanism: str, place: str, watched: Watched) -> None:
    watched.prelude = _OFF[mechanism]
    diagnosed(watched, is_brief=True)
    assert place in watched.seen()


def test_a_check_shows_and_keeps_no_value(watched: Watched) -> None:
    spy = checked(watched)
    assert len(watched.flock.words) >= 30
    assert watched.seen() == {}
    assert watched.flock.seen(spy.everything) == []
    assert list(watched.folder("tmp").rglob("*")) == []
    assert {path: oct(mode) for path, mode in spy.modes.items() if "/" not in path and mode & 0o077} == {}
    report = (watched.base / "out/text").read_text()
    assert "HelmRelease/flux-system/web" in report
    assert "invalid literal source [redacted]" in " ".join(report.split())


def test_a_diagnosis_and_a_snapshot_show_and_keep_no_value(watched: Watched) -> None:
    spy = diagnosed(watched)
    assert len(watched.flock.words) >= 90
    # The cache holds what git fetched, as git packs it: it is read back to see that nothing else is in it.
    seen = {place: shapes for place, shapes in watched.seen().items() if not place.startswith("cache/fluxdoctor/git-")}
    assert seen == {}
    assert watched.flock.seen(spy.everything) == []
    assert {"git", "git-remote-http"} <= spy.programs
    assert list(watched.folder("tmp").rglob("*")) == []
    report = (watched.base / "out/json").read_text()
    assert all(f"look-{number}" in report for number in range(len(canaries.LOOKS)))
    assert "git.example.test" in report
    assert (watched.base / "out/folder/git/flux-system/flux-system/apps/plain.yaml").exists()
