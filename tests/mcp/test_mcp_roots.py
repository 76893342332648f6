"""A path that a client names leads nowhere but below the allowed roots, and never to a hang."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import time
from json import dumps
from pathlib import Path
from typing import Any

import pytest

from fluxdoctor.mcp.quote import quoted
from fluxdoctor.mcp.server import build
from fluxdoctor.mcp.settings import ServerSettings
from fluxdoctor.repository.files import repository
from tests.mcp.clients import INCIDENTS, call, refusal

SECRET = "canary-outside-of-the-root"
OUTSIDE: dict[str, Any] = {
    "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
    "kind": "Kustomization",
    "metadata": {"name": SECRET, "namespace": "flux-system"},
    "spec": {
        "interval": "10m",
        "prune": True,
        "path": "./gone",
        "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
    },
}
SYNC = {
    "apiVersion": "source.toolkit.fluxcd.io/v1",
    "kind": "GitRepository",
    "metadata": {"name": "flux-system", "namespace": "flux-system"},
    "spec": {"interval": "1m", "url": "https://git.fleet.test/fleet.git", "ref": {"branch": "main"}},
}
ENTRY = {
    **OUTSIDE,
    "metadata": {"name": "flux-system", "namespace": "flux-system"},
    "spec": {**OUTSIDE["spec"], "path": "./prod"},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "root"
    found.mkdir()
    return found


@pytest.fixture
def server(root: Path) -> Any:
    return build(ServerSettings(roots=(root,)))


def git(folder: Path, *arguments: str) -> None:
    argv = ["git", "-C", str(folder), *arguments]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)  # noqa: S603 - ours


def cluster(folder: Path) -> None:
    """A repository that Flux could sync, with a Kustomization whose path leads nowhere: it would be told."""
    (folder / "prod" / "flux-system").mkdir(parents=True)
    (folder / "prod" / "flux-system" / "gotk-sync.yaml").write_text(f"{dumps(SYNC)}\n---\n{dumps(ENTRY)}\n", "utf-8")
    (folder / "prod" / "apps.yaml").write_text(dumps(OUTSIDE), "utf-8")


@pytest.mark.parametrize("path", ["..", "../../etc", "a/../../b", "/etc/passwd", "/", "link", "link/passwd", "zero"])
@pytest.mark.parametrize("tool", ["diagnose", "check_repository", "dependency_graph"])
def test_a_path_outside_is_refused(tool: str, path: str, root: Path, server: Any) -> None:
    (root / "link").symlink_to("/etc")
    (root / "zero").symlink_to("/dev/zero")
    assert refusal(server, tool, path=path) == f"{quoted(path)} is outside the allowed roots: {root}"


@pytest.mark.parametrize(("path", "words"), [
    ("a\0b", "«a\\x00b» is not a valid path"),
    ("a" * 5000, f"{quoted('a' * 5000, 200)} is not a valid path"),
    ("loop", "«loop» is not a valid path"),
    ("~", "path «~» not found; valid: fleet"),
    ("~root", "path «~root» not found; valid: fleet"),
    ("flet", "path «flet» not found; valid: fleet"),
    ("fleet/prd", "path «fleet/prd» not found; valid: fleet/prod"),
    ("pipe", "path «pipe» not found; valid: fleet"),
])  # fmt: skip
def test_what_is_no_path_is_answered_with_those_that_are(path: str, words: str, root: Path, server: Any) -> None:
    (root / "fleet" / "prod").mkdir(parents=True)
    if path == "loop":
        (root / "loop").symlink_to("loop")
    if path == "pipe":
        os.mkfifo(root / "pipe")
    assert refusal(server, "diagnose", path=path) == words


def test_a_path_is_looked_for_below_every_root(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    cluster(tmp_path / "two" / "fleet")
    answer = call(build(ServerSettings(roots=(tmp_path / "one", tmp_path / "two"))), "check_repository", path="fleet")
    assert [f["rule"] for f in answer["findings"]] == ["kustomize/path-not-found"]


def test_a_repository_that_begins_above_the_root_is_not_read(root: Path, server: Any) -> None:
    cluster(root.parent)
    (root / "prod").mkdir()
    git(root.parent, "init", "-q")
    assert refusal(server, "check_repository", path="prod") == quoted(
        f"{root}/prod is part of the repository {root.parent}, which is outside of the allowed folders"
    )


def test_a_repository_whose_configuration_names_another_folder_is_not_read(root: Path, server: Any) -> None:
    cluster(root.parent / "elsewhere")
    (root / "fleet").mkdir()
    git(root / "fleet", "init", "-q")
    git(root / "fleet", "config", "core.worktree", str(root.parent / "elsewhere"))
    answer = refusal(server, "check_repository", path="fleet")
    assert answer == quoted(
        f"{root}/fleet is part of the repository {root.parent}/elsewhere, which is outside of the allowed folders"
    )


def test_files_that_git_lists_below_a_link_are_not_read(root: Path, server: Any) -> None:
    fleet, elsewhere = root / "fleet", root.parent / "elsewhere"
    cluster(fleet)
    (fleet / "prod" / "apps.yaml").unlink()
    (fleet / "prod" / "more").mkdir()
    (fleet / "prod" / "more" / "apps.yaml").write_text("{}", "utf-8")
    git(fleet, "init", "-q")
    git(fleet, "add", "-A")
    elsewhere.mkdir()
    (elsewhere / "apps.yaml").write_text(dumps(OUTSIDE), "utf-8")
    (fleet / "prod" / "more" / "apps.yaml").unlink()
    (fleet / "prod" / "more").rmdir()
    (fleet / "prod" / "more").symlink_to(elsewhere)
    assert "prod/more/apps.yaml" not in repository.of_folder(fleet).files
    assert SECRET not in dumps(call(server, "check_repository", path="fleet"))


@pytest.mark.parametrize("kind", ["beside", "link"])
def test_a_snapshot_extends_nothing_outside(kind: str, root: Path) -> None:
    (root.parent / "base" / "git").mkdir(parents=True)
    folder = root / "incident"
    folder.mkdir()
    (folder / "snapshot.yaml").write_text("format: 1\ntaken: 2026-01-02T03:04:05Z\nextends: base\n", "utf-8")
    if kind == "link":
        (root / "base").symlink_to(root.parent / "base")
        allowed, said = root, "incident"
    else:
        (root / "base").mkdir()
        allowed, said = folder, "."
    assert refusal(build(ServerSettings(roots=(allowed,))), "diagnose", path=said) == quoted(
        f"{folder}/snapshot.yaml: it extends base, which is outside the allowed folders"
    )


def test_an_archive_that_unpacks_to_more_than_a_disk_is_told_and_not_unpacked(root: Path, server: Any) -> None:
    about = (INCIDENTS / "healthy-baseline" / "snapshot.yaml").read_bytes()
    with tarfile.open(root / "bomb.tgz", "w:gz") as archive:
        member = tarfile.TarInfo("snapshot.yaml")
        member.size = len(about)
        archive.addfile(member, io.BytesIO(about))
        huge = tarfile.TarInfo("cluster/all.json")
        huge.size = 1 << 50
        archive.addfile(huge)
    started = time.monotonic()
    answer = call(server, "diagnose", path="bomb.tgz")
    assert "reading: «cluster/: bomb.tgz is too large: the rest was not read»" in answer["not_seen"]
    assert (answer["verdict"], time.monotonic() - started < 20) == ("incomplete", True)


def test_a_file_that_is_no_snapshot_says_so_and_nothing_of_what_is_in_it(root: Path, server: Any) -> None:
    (root / "notes.tgz").write_text(SECRET, "utf-8")
    assert refusal(server, "diagnose", path="notes.tgz") == quoted(
        f"{root}/notes.tgz: neither a snapshot folder nor a snapshot .tgz (BadGzipFile)"
    )


def test_a_folder_with_more_than_a_repository_has_is_told_in_time(
    root: Path, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_MAX_FILES", 2)
    (root / "home").mkdir()
    for number in range(5):
        (root / "home" / f"{number}.yaml").write_text("{}", "utf-8")
    assert refusal(server, "check_repository", path="home") == quoted(
        f"{root}/home: more than 2 files or 1024 MiB; use the folder of one repository"
    )
