"""Temporary folders end with their process, whatever ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fluxdoctor.collect import temporary

MAKE = """
import sys, time
from fluxdoctor.collect import temporary
print(temporary.make(sys.argv[1]), flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary, "_swept", set())


def owner(base: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen([sys.executable, "-c", MAKE, str(base)], stdout=subprocess.PIPE, text=True)  # noqa: S603
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


def test_a_folder_is_private_and_goes_with_its_block(tmp_path: Path) -> None:
    with temporary.folder(str(tmp_path)) as folder:
        (folder / "file").write_text("x")
        assert (folder.parent, folder.stat().st_mode & 0o777) == (tmp_path, 0o700)
    assert list(tmp_path.iterdir()) == []


def test_the_next_run_removes_what_a_killed_one_left_and_nothing_else(tmp_path: Path) -> None:
    killed, leftover = owner(tmp_path)
    alive, used = owner(tmp_path)
    foreign = tmp_path / "fluxdoctor-somebody"
    foreign.mkdir()
    (tmp_path / "fluxdoctor-link").symlink_to(used)
    end(killed)
    mine = temporary.make(str(tmp_path))
    try:
        assert sorted(tmp_path.iterdir()) == sorted([used, foreign, tmp_path / "fluxdoctor-link", mine])
        assert (leftover.exists(), (used / ".owner").exists()) == (False, True)
    finally:
        end(alive)
        temporary.remove(mine)


def test_sigterm_ends_a_program_whose_threads_wait(tmp_path: Path) -> None:
    """A thread that ignores the deadline, a child that sleeps, and a temporary folder: all gone in two seconds."""
    script = """
import signal, subprocess, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from fluxdoctor.cli import termination
from fluxdoctor.collect import temporary
from fluxdoctor.collect.net import process
from fluxdoctor.collect.net.deadline import Deadline
signal.signal(signal.SIGTERM, termination.end)
folder = temporary.make(sys.argv[1])
limits = process.Limits(Deadline(60))
with ThreadPoolExecutor(2) as pool:
    pool.submit(process.run, ["sleep", "61"], folder, {"PATH": "/usr/bin:/bin"}, limits)
    pool.submit(time.sleep, 62)
    print("ready", flush=True)
    time.sleep(63)
"""
    running = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)  # noqa: S603
    assert running.stdout
    assert running.stdout.readline() == "ready\n"
    time.sleep(0.3)
    running.send_signal(signal.SIGTERM)
    assert (running.wait(10), list(tmp_path.iterdir())) == (143, [])
    running.stdout.close()
    children = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout  # noqa: S607
    assert "sleep 61" not in children.splitlines()
