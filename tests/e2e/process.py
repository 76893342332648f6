"""Child processes of the tests: started with a log file, waited for with a deadline, stopped whatever happens."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_STOP_SECONDS = 10
_POLL_SECONDS = 0.05
_TAIL = 3000


class ProcessError(Exception):
    """A process did not come up; the text ends with the last lines of its log."""


def free_port() -> int:
    """Return a loopback port that nobody listens on. (Somebody else may take it before it is used; then the start fails and says so.)"""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def started(
    argv: Sequence[str | Path],
    log: Path,
    ready: Callable[[], bool],
    *,
    seconds: float,
    env: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process until the block ends. Raises ProcessError where ``ready`` does not say yes within so many seconds."""
    name = Path(argv[0]).name
    # If the tests themselves are killed, the kernel ends their children.
    guard = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - what the rig itself has built
            [*guard, *map(str, argv)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(env or {})},
            cwd=log.parent,
            start_new_session=True,  # Ctrl-C is for pytest: it stops the processes in order
        )
    try:
        _wait(process, name, log, ready, seconds)
        yield process
    finally:
        _stop(process)


def _wait(process: subprocess.Popen[bytes], name: str, log: Path, ready: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            raise ProcessError(f"{name} ended with exit code {process.returncode}:\n{_tail(log)}")
        if time.monotonic() > deadline:
            raise ProcessError(f"{name} was not ready after {seconds:.0f} s:\n{_tail(log)}")
        time.sleep(_POLL_SECONDS)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_STOP_SECONDS)


def _tail(log: Path) -> str:
    return log.read_bytes()[-_TAIL:].decode("utf-8", "replace")
