"""Runs git and kustomize in a controlled environment, within a deadline, and leaves no child process behind.

GitPython reads objects (``blobs``), but it is not used to contact a remote: each child inherits the whole environment of
the caller, its time limit needs pgrep or ps, and Ctrl-C cannot cancel it (tested with 3.2).
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fluxdoctor.collect.net.deadline import Deadline, DeadlineError

_TICK = 0.05
_CHUNK = 1 << 16
_MAX_ERR = 64 * 1024


class TooMuchError(Exception):
    """A command exceeded its limit of output or disk space."""


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a command: its exit code and its output."""

    code: int
    out: bytes
    err: str


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a command.

    ``most``: bytes of output. ``grown``: returns true if the files that it writes are too large. ``memory``: bytes of
    address space (0: no limit; only Linux can limit another process).
    """

    deadline: Deadline
    most: int = 64 * 1024 * 1024
    grown: Callable[[], bool] | None = None
    memory: int = 0


#: The commands that run now.
_running: set[subprocess.Popen[bytes]] = set()


def kill_all() -> None:
    """Kill every command that runs, with its children: before the process ends without waiting for its threads."""
    for process in list(_running):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def run(command: Sequence[str], cwd: Path, env: Mapping[str, str], limits: Limits, stdin: bytes = b"") -> Done:
    """Run a command in its own session and return its result.

    Raises DeadlineError or TooMuchError after the command and its children were killed, OSError if it cannot start.
    """
    with tempfile.TemporaryFile() as stdin_file:
        stdin_file.write(stdin)
        stdin_file.seek(0)
        process = subprocess.Popen(  # noqa: S603 - a list of arguments without a shell; the caller validates each
            command,
            cwd=cwd,
            env=env,
            stdin=stdin_file,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    _running.add(process)
    try:
        _limit_memory(process.pid, limits.memory)
        out, err = _read(process, limits)
        _wait_for_exit(process.pid)
    finally:
        _kill(process)
    return Done(process.returncode, out, err.decode("utf-8", "replace"))


def _limit_memory(pid: int, memory: int) -> None:
    if memory and sys.platform == "linux":
        import resource

        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_AS, (memory, memory))


def _read(process: subprocess.Popen[bytes], limits: Limits) -> tuple[bytes, bytes]:
    assert process.stdout  # noqa: S101 - both are pipes
    assert process.stderr  # noqa: S101
    out, err = bytearray(), bytearray()
    last_check = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, out)
        selector.register(process.stderr, selectors.EVENT_READ, err)
        while selector.get_map():
            if limits.deadline.over():
                raise DeadlineError("git did not finish in time")
            for key, _ in selector.select(_TICK):
                chunk = os.read(key.fd, _CHUNK)
                key.data.extend(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
            del err[_MAX_ERR:]
            if len(out) > limits.most:
                raise TooMuchError(f"git printed more than {limits.most} bytes")
            if time.monotonic() - last_check > _TICK:
                _check_growth(limits)
                last_check = time.monotonic()
    _check_growth(limits)
    return bytes(out), bytes(err)


def _check_growth(limits: Limits) -> None:
    if limits.grown and limits.grown():
        raise TooMuchError("git exceeded its limit of disk space")


def _wait_for_exit(pid: int) -> None:
    """Wait at most one second for a command that has closed its pipes to exit."""
    end = time.monotonic() + 1
    while time.monotonic() < end and not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        time.sleep(0.002)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the remaining processes of the session. Wait for the leader last, so that its id cannot be reused before."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _running.discard(process)
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()
