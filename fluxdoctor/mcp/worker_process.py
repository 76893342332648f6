"""A worker process as the server sees it: started, asked, and ended together with all that it started."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO

import psutil

from fluxdoctor.mcp import frames
from fluxdoctor.mcp.sessions import CallContext
from fluxdoctor.mcp.settings import ServerSettings, to_json
from fluxdoctor.repository.build.kustomize import MEMORY_DISK

_CANCELLED: dict[str, Any] = {"cancelled": True}
_LAST: dict[str, Any] = {}
_CANCEL_GRACE = 2.0  # seconds for a cancelled call to end by itself, so that its process need not be ended
#: It imports from where this process does, as multiprocessing does it.
_MAIN = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from fluxdoctor.mcp.worker import main; main()"
END_GRACE = 1.0  # seconds for a process to end its children and to remove its files, before it is killed


class OverdueError(Exception):
    """The call did not end in its time."""


class LostError(Exception):
    """The process ended in the middle of a call; the text says how."""


class WorkerProcess:
    """One process, for one call at a time."""

    def __init__(self, settings: ServerSettings) -> None:
        """Start it. The files of its calls are in folders of its own, which are removed when it ends. Raises OSError."""
        self._folders = [tempfile.mkdtemp(prefix="fluxdoctor-mcp-")]
        environment = dict(os.environ)
        if not os.environ.get("TMPDIR") and os.access(MEMORY_DISK, os.W_OK | os.X_OK):
            self._folders.append(tempfile.mkdtemp(prefix="fluxdoctor-mcp-", dir=MEMORY_DISK))
            environment["FLUXDOCTOR_MEMORY_DISK"] = self._folders[1]
        # -P: what is in the current folder is not imported. A session of its own: no signal of a terminal reaches it.
        argv = [sys.executable, "-P", "-c", _MAIN, json.dumps([str(path) for path in sys.path])]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
        )
        assert self._process.stdin  # noqa: S101 - both are pipes
        assert self._process.stdout  # noqa: S101
        self._stdin: BinaryIO = self._process.stdin  # type: ignore[assignment] # a buffered writer
        self._messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._has_ended = False
        threading.Thread(target=self._receive, args=(self._process.stdout,), daemon=True).start()
        with contextlib.suppress(OSError, ValueError):
            frames.write(self._stdin, {"settings": to_json(settings), "scratch": self._folders[0]})

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return not self._has_ended and self._process.poll() is None

    def _receive(self, stdout: Any) -> None:
        with contextlib.suppress(frames.FrameError, OSError, ValueError):
            while message := frames.read(stdout):
                self._messages.put(message)
        self._messages.put(_LAST)

    def ask(self, job: dict[str, Any], call: CallContext, grace: float) -> dict[str, Any]:
        """Run a job and return its reply. Raises OverdueError and LostError; the process has not ended then.

        The job ends in the time of the call, or ``grace`` seconds later.
        """
        while not self._messages.empty():
            if self._messages.get() is _LAST:
                raise LostError(self._exit())
        end = time.monotonic() + call.deadline.left() + grace
        with call.deadline.on_cancel(lambda: self._messages.put(_CANCELLED)):
            try:
                frames.write(self._stdin, {**job, "seconds": call.deadline.left()})
                return self._wait(call, end)
            except (OSError, ValueError):
                raise LostError(self._exit()) from None

    def _wait(self, call: CallContext, end: float) -> dict[str, Any]:
        while True:
            try:
                message = self._messages.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise OverdueError from None
            if message is _LAST:
                raise LostError(self._exit())
            if message is _CANCELLED:
                frames.write(self._stdin, {"cancel": True})
                end = min(end, time.monotonic() + _CANCEL_GRACE)
            elif "progress" in message:
                call.tell(str(message["progress"]))
            elif "mark" in message:
                call.mark(str(message["mark"]))
            else:
                return message

    def _exit(self) -> str:
        try:
            code = self._process.wait(END_GRACE)
        except subprocess.TimeoutExpired:
            return "it closed its output"
        return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"

    def end(self) -> None:
        """End it and its children, and remove its files; returns when that is done."""
        self.begin_end()
        self.finish_end(time.monotonic() + END_GRACE)

    def begin_end(self) -> None:
        """Ask it to end its call, its children and itself."""
        self._has_ended = True
        with contextlib.suppress(OSError):
            self._process.terminate()
        # Closing would wait for a thread that is writing.
        threading.Thread(target=_close, args=(self._stdin.close,), daemon=True).start()

    def finish_end(self, until: float) -> None:
        """Wait for its end until a time of the monotonic clock, then kill it and all that it started."""
        with self._lock:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(max(0.0, until - time.monotonic()))
            if self._process.returncode is None:
                _kill_tree(self._process.pid)
                self._process.wait()
            for folder in self._folders:
                shutil.rmtree(folder, ignore_errors=True)


def _close(close: Callable[[], None]) -> None:
    with contextlib.suppress(OSError, ValueError):
        close()


def _kill_tree(pid: int) -> None:
    """Kill a process and its descendants, whatever session they are in. All are stopped first, so that none starts another."""
    try:
        processes = [psutil.Process(pid)]
    except psutil.Error:
        return
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.suspend()
            processes += [child for child in process.children() if child not in processes]
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
