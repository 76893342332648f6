"""--timeout ends a run, whatever it is doing: no traceback, exit code 2, and what to do."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.worlds import INCIDENTS

#: Runs the program with the rules replaced by work that never ends.
SCRIPT = """
import sys, time
import fluxdoctor.engine
work = sys.argv.pop(1)
def never(*_, **__):
    if work == "python":
        while True:
            try:
                sum(range(1000))
            except Exception:
                pass
    if work == "sleep":
        time.sleep(60)
    import ctypes
    while True:  # a call that a signal interrupts, but no handler in Python: it begins again at once
        ctypes.CDLL(None).usleep(900_000)
fluxdoctor.engine.run = never
from fluxdoctor.cli.main import main
main()
"""
REPLAY = ("diagnose", "--from", str(INCIDENTS / "healthy-baseline"))


def run(work: str, *arguments: str) -> tuple[int, str, str, float]:
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", SCRIPT, work, *arguments], capture_output=True, text=True, check=False, timeout=50
    )
    return done.returncode, done.stdout, done.stderr, time.monotonic() - began


@pytest.mark.parametrize("work", ["python", "sleep", "c"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_rules_that_never_end_are_cut(work: str, form: str) -> None:
    code, out, err, seconds = run(work, *REPLAY, "--timeout", "2s", "--format", form)
    assert (code, out, err) == (
        2,
        "",
        "fluxdoctor: the run did not finish within 2s; use --timeout to allow more time\n",
    )
    assert seconds < 30


def test_a_check_that_never_ends_is_cut(fleet: Path) -> None:
    code, out, err, _ = run("python", "check", str(fleet), "--timeout", "3s")
    assert (code, out, err) == (
        2,
        "",
        "fluxdoctor: the run did not finish within 3s; use --timeout to allow more time\n",
    )


def test_a_run_in_time_is_not_touched() -> None:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "fluxdoctor", *REPLAY, "--timeout", "60s"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
