"""An error that nobody expected: one safe line, a file for its owner, exit code 2; and how interruptions end."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.worlds import INCIDENTS

TOKEN = "ghp_" + "Ab1" * 12
#: Runs the program with one function of it replaced by one that raises.
SCRIPT = """
import sys, importlib
module, name, error = sys.argv[1:4]
del sys.argv[1:4]
def raising(*_, **__):
    raise eval(error)
setattr(importlib.import_module(module), name, raising)
from fluxdoctor.cli.main import main
main()
"""
HOSTILE = f"ValueError('bad\\n::error file=x::y\\n##[error]z \\x1b[31mred\\u202e token={TOKEN} ' + 'w' * 9000)"
DIAGNOSE = ("diagnose", "--from", str(INCIDENTS / "healthy-baseline"))


def crash(
    error: str, *arguments: str, cache: Path, at: str = "fluxdoctor.engine.run"
) -> subprocess.CompletedProcess[str]:
    module, _, name = at.rpartition(".")
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", SCRIPT, module, name, error, *arguments],
        capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
    )  # fmt: skip


@pytest.mark.parametrize("form", ["text", "json", "sarif", "html", "junit", "github"])
@pytest.mark.parametrize("error", [HOSTILE, "MemoryError()", "RecursionError('deep')", "KeyError('.gitmodules')"])
def test_one_safe_line_and_a_file(error: str, form: str, tmp_path: Path) -> None:
    done = crash(error, *DIAGNOSE, "--format", form, cache=tmp_path)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert (TOKEN in done.stderr, "::" in done.stderr, "##[" in done.stderr) == (False, False, False)
    assert re.fullmatch(r"[\x20-\x7e]+\n", done.stderr)
    (file,) = (tmp_path / "fluxdoctor" / "crashes").iterdir()
    assert f"please attach {file} to a bug report" in done.stderr
    kind = error.partition("(")[0]
    assert done.stderr.startswith(f"fluxdoctor: internal error: {kind}")
    trace = file.read_text()
    assert (stat.S_IMODE(file.stat().st_mode), "Traceback" in trace, TOKEN in trace) == (0o600, True, False)


def test_debug_shows_the_trace_without_secrets_or_commands(tmp_path: Path) -> None:
    for arguments in (("--debug", *DIAGNOSE), (*DIAGNOSE, "--debug")):
        done = crash(HOSTILE, *arguments, cache=tmp_path)
        assert (done.returncode, "Traceback (most recent call last)" in done.stderr) == (2, True)
        assert (TOKEN in done.stderr, "::" in done.stderr, "\x1b" in done.stderr) == (False, False, False)


def test_old_files_go(tmp_path: Path) -> None:
    folder = tmp_path / "fluxdoctor" / "crashes"
    folder.mkdir(parents=True)
    for number in range(15):
        (folder / f"crash-20200101T0000{number:02}Z-1.txt").write_text("old")
    crash("KeyError('x')", *DIAGNOSE, cache=tmp_path)
    names = sorted(path.name for path in folder.iterdir())
    assert (len(names), names[0]) == (10, "crash-20200101T000006Z-1.txt")


def test_without_a_cache_folder_the_file_is_in_a_temporary_folder(tmp_path: Path) -> None:
    (tmp_path / "fluxdoctor").write_text("no folder")
    done = crash("KeyError('x')", *DIAGNOSE, cache=tmp_path)
    file = re.search(r"attach (\S+) to", done.stderr)
    assert (done.returncode, file is not None and Path(file[1]).is_file()) == (2, True)


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_interruption_is_no_finding(form: str, tmp_path: Path) -> None:
    done = crash("KeyboardInterrupt()", *DIAGNOSE, "--format", form, cache=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "fluxdoctor: interrupted\n")


def test_a_file_that_cannot_be_written_is_no_finding() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "fluxdoctor", "demo", "--format", "json"], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "fluxdoctor: No space left on device\n")


def test_arguments_are_escaped() -> None:
    arguments = ["diagnose", "--format", "\x1b[31mx\n::error::y"]
    done = subprocess.run([sys.executable, "-m", "fluxdoctor", *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, "\x1b" in done.stderr, "\n::" in done.stderr) == (2, False, False)


def test_every_command_ends_the_same_way(tmp_path: Path) -> None:
    """The settings are read by most commands; the catalogue by the rest."""
    at = "fluxdoctor.rule.installed"
    for command in (
        ("rules", "--format", "json"),
        ("demo",),
        ("explain", "helm/chart-version-missing"),
        ("check", str(tmp_path)),
    ):
        done = crash("KeyError('x')", *command, cache=tmp_path, at=at)
        assert (command, done.returncode, done.stdout) == (command, 2, "")
        assert json.dumps(done.stderr).count("\\n") == 1
