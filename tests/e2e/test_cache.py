"""The cache of a run is a convenience: full, read-only, in the way of another run or deleted, it changes no report."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e import incident
from tests.e2e.cluster import Cluster
from tests.e2e.hosts import Hosts, fluxdoctor, told

ARGS = ("diagnose", "--allow-local", "--format", "json")
INCIDENT = "hr-version-not-found"


def _no_folder(base: Path) -> None:
    base.mkdir()
    (base / "fluxdoctor").write_text("a file where the folder would be")


def _no_place(base: Path) -> None:
    base.symlink_to("/proc/self/no-such-place")


def _full(base: Path) -> None:
    base.symlink_to("/dev/full")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [(_no_folder, "File exists"), (_no_place, "File exists"), (_full, "Not a directory")],
)
def test_a_cache_that_cannot_be_written_is_told_once_and_changes_no_report(
    spoil: Callable[[Path], None], why: str, cluster: Cluster, hosts: Hosts, tmp_path: Path
) -> None:
    incident.load_objects(cluster, hosts.host(INCIDENT))
    right = fluxdoctor(cluster, tmp_path / "right", *ARGS)
    spoil(tmp_path / "cache")
    spoiled = fluxdoctor(cluster, tmp_path / "cache", *ARGS)
    assert (right.returncode, right.stderr) == (1, "")
    assert (spoiled.returncode, spoiled.stderr) == (1, _nothing_kept(tmp_path / "cache", why))
    assert told(json.loads(spoiled.stdout)) == told(json.loads(right.stdout))


def _nothing_kept(base: Path, why: str) -> str:
    folder = base / "fluxdoctor"
    return f"fluxdoctor: running without a cache: {folder}: {why} (--no-cache hides this message)\n"


def _mounted(base: Path, options: str, then: str = ":") -> Sequence[str]:
    """Return what starts a program that sees a file system of its own at a folder, which nobody else sees."""
    base.mkdir()
    script = f'mount -t tmpfs -o {options} tmpfs "$0" && {{ {then}; }} && exec "$@"'
    return ("unshare", "--mount", "--user", "--map-root-user", "sh", "-c", script, str(base))


def _has_mounts() -> bool:
    if not shutil.which("unshare"):
        return False
    done = subprocess.run(["unshare", "--mount", "--user", "--map-root-user", "true"], check=False, capture_output=True)  # noqa: S607
    return done.returncode == 0


@pytest.mark.skipif(not _has_mounts(), reason="this machine lets no user mount a file system of its own")
@pytest.mark.parametrize(
    "disk",
    [
        ("ro", ":", "Read-only file system"),
        ("size=64k", '! dd if=/dev/zero of="$0/all" bs=4k 2>/dev/null', "No space left on device"),
        # There is room when the run begins, and none for the first repository.
        ("size=24k", ":", ""),
        ("size=1m,nr_inodes=8", ":", ""),
    ],
)
def test_a_cache_on_a_read_only_or_full_disk_is_none(
    disk: tuple[str, str, str], cluster: Cluster, hosts: Hosts, tmp_path: Path
) -> None:
    options, then, why = disk
    incident.load_objects(cluster, hosts.host(INCIDENT))
    right = fluxdoctor(cluster, tmp_path / "right", *ARGS)
    done = fluxdoctor(cluster, tmp_path / "cache", *ARGS, within=_mounted(tmp_path / "cache", options, then))
    expected = _nothing_kept(tmp_path / "cache", why) if why else ""
    assert (done.returncode, done.stderr) == (right.returncode, expected) == (1, expected)
    assert told(json.loads(done.stdout)) == told(json.loads(right.stdout))


def test_a_file_that_may_not_grow_is_no_failure_of_a_source(cluster: Cluster, hosts: Hosts, tmp_path: Path) -> None:
    objects = hosts.host(INCIDENT)
    (path,) = hosts.helm.files
    hosts.helm.files[path] += b"#" * 100_000
    incident.load_objects(cluster, objects)
    right = fluxdoctor(cluster, tmp_path / "right", *ARGS)
    limited = fluxdoctor(cluster, tmp_path / "cache", *ARGS, within=("prlimit", "--fsize=65536"))
    assert (limited.returncode, limited.stderr) == (right.returncode, right.stderr) == (1, "")
    assert told(json.loads(limited.stdout)) == told(json.loads(right.stdout))
    assert not list((tmp_path / "cache").rglob("*.index"))


def test_runs_at_once_over_one_cache_that_is_deleted_meanwhile_say_the_same(
    cluster: Cluster, hosts: Hosts, tmp_path: Path
) -> None:
    incident.load_objects(cluster, hosts.host(INCIDENT))
    alone = fluxdoctor(cluster, tmp_path / "alone", *ARGS)
    cache = tmp_path / "cache"
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(fluxdoctor, cluster, cache, *ARGS) for _ in range(4)]
        while not all(run.done() for run in runs):
            shutil.rmtree(cache, ignore_errors=True)
            time.sleep(0.02)
    found = [run.result() for run in runs]
    assert [(r.returncode, r.stderr) for r in (alone, *found)] == [(1, "")] * 5
    assert [told(json.loads(r.stdout)) for r in found] == [told(json.loads(alone.stdout))] * 4
