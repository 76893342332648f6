"""Runs many damaged cases through the whole program, and judges each run: that it ends, with what, and that its exit code is true."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from fluxdoctor.report.formats import NAMES
from tests.helpers.worlds import ROOT

#: How many times as many cases, and which: FLUXDOCTOR_FUZZ=20 FLUXDOCTOR_FUZZ_SEED=7 make test T=tests/hostile
TIMES = float(os.environ.get("FLUXDOCTOR_FUZZ", "1"))
SEED = os.environ.get("FLUXDOCTOR_FUZZ_SEED", "0")
_PROGRAMS = 2
_SECONDS = 20.0
_MIB = 1 << 20
#: Threads reserve address space that they do not use; what a run really used is judged by ``_MEMORY``.
_ADDRESSES, _MEMORY = 6144 * _MIB, 700 * _MIB
_RAISED = re.compile(r"the rule raised \w+[^\"\n]*")


@dataclass(frozen=True)
class Run:
    """What to run in a folder of its own; ``note`` says how its input was damaged."""

    arguments: tuple[str, ...]
    note: str
    is_broken: bool = False
    """Whether a file that must be read can be no YAML: exit code 0 would be untrue."""


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    code: int
    is_hanging: bool
    seconds: float
    bytes: int
    stdout: str
    stderr: str


class Program:
    """One process that forks a program for each run."""

    def __init__(self, variables: dict[str, str]) -> None:
        self._variables = variables
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.fuzz.fork_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )  # fmt: skip

    def run(self, arguments: Sequence[str], folder: Path) -> Ended:
        assert self._process.stdin
        assert self._process.stdout
        variables = {
            "HOME": str(folder),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "TMPDIR": str(folder),
            **self._variables,
        }
        request = {
            "arguments": arguments,
            "folder": str(folder),
            "variables": variables,
            "seconds": _SECONDS,
            "bytes": _ADDRESSES,
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        texts = ((folder / name).read_text("utf-8", "surrogateescape") for name in ("stdout", "stderr"))
        return Ended(answer["code"], answer["is_hanging"], answer["seconds"], answer["bytes"], *texts)

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


@contextmanager
def programs(variables: dict[str, str], count: int) -> Iterator[SimpleQueue[Program]]:
    """Lend as many programs as run at once."""
    running = [Program(variables) for _ in range(count)]
    free: SimpleQueue[Program] = SimpleQueue()
    for program in running:
        free.put(program)
    try:
        yield free
    finally:
        for program in running:
            program.close()


def campaign(  # noqa: PLR0913 - a kind of case, and how it is run
    name: str, count: int, case: Callable[[random.Random, Path], Run], folder: Path,
    variables: dict[str, str] | None = None, *, at_once: int = _PROGRAMS,
) -> str:  # fmt: skip
    """Make ``count`` cases of a kind and run each; return what is wrong with which, as a person would read it; "" if nothing is."""
    with programs(variables or {}, at_once) as free, ThreadPoolExecutor(at_once) as pool:

        def one(number: int) -> str:
            place = folder / str(number)
            place.mkdir()
            chance = random.Random(f"{name} {SEED} {number}")
            run = case(chance, place)
            format_ = chance.choice(NAMES)
            program = free.get()
            try:
                ended = program.run(
                    (
                        *run.arguments,
                        "--fail-on",
                        "error",
                        "--format",
                        format_,
                        "--output",
                        f"json={place / 'report.json'}",
                    ),
                    place,
                )
            finally:
                free.put(program)
            wrong = "; ".join(judged(ended, run, place / "report.json"))
            return f"{name} {number} (seed {SEED}, {place}, {format_}): {run.note}: {wrong}" if wrong else ""

        return "\n\n".join(filter(None, pool.map(one, range(max(1, round(count * TIMES))))))


def judged(ended: Ended, run: Run, report: Path) -> Iterator[str]:
    """Yield what is wrong with a run."""
    if ended.is_hanging:
        yield f"did not end within {_SECONDS} s"
        return
    if "Traceback (most recent call last)" in ended.stderr + ended.stdout:
        yield f"a traceback: {ended.stderr[-1500:]}"
    if ended.code not in (0, 1, 2, 3):
        yield f"exit code {ended.code}: {ended.stderr[-300:]!r}"
        return
    if ended.bytes > _MEMORY:
        yield f"{ended.bytes // _MIB} MiB"
    acting = {c for c in ended.stdout + ended.stderr if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cs")}
    if acting:
        yield f"prints {sorted(acting)}"
    yield from _truth(ended, run, report)


def _truth(ended: Ended, run: Run, report: Path) -> Iterator[str]:
    """Yield where the exit code is not what the report says, or the report not what a run with this code may say."""
    if ended.code == 2:
        if report.exists() or not ended.stderr.strip():
            yield "exit code 2 needs words on stderr, and no report"
        return
    try:
        body: dict[str, Any] = json.loads(report.read_text("utf-8"))
    except (OSError, ValueError) as error:
        yield f"exit code {ended.code} without a report: {error}"
        return
    yield from sorted({m[0] for skipped in body["skipped"] if (m := _RAISED.search(skipped["why"]))})
    severities = {f["severity"] for f in body["findings"]}
    is_incomplete = any(s["asked"] for s in body["skipped"])
    expected = 1 if "error" in severities else 3 if is_incomplete and not severities - {"info"} else 0
    if ended.code != expected:
        yield f"exit code {ended.code}, and its report says {expected}"
    if ended.code == 0 and run.is_broken:
        yield "exit code 0, and a file could not be read"
