"""The worker processes of a server: which call runs where, how many run and wait at a time, and how a call ends that does not.

All calls about one cluster, snapshot or repository run in one process, one after another: there their diagnoses are cached, and
concurrent calls read it once. Calls about another subject run in another process, so that a call that hangs holds up no others.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.mcp.sessions import CallContext
from fluxdoctor.mcp.settings import ServerSettings
from fluxdoctor.mcp.worker_process import END_GRACE, LostError, OverdueError, WorkerProcess

_GRACE = 5  # seconds: reading ends by the deadline with partial results, and then the rules run
_TICK = 0.25
_MAX_CALLS = 64  # of all sessions, running or waiting
_MAX_SESSION_CALLS = 16
_MAX_SUBJECTS = 64  # that one process is known for

#: The subject of a call about the newest diagnosis.
LATEST = "latest"


class Refusal(Exception):  # noqa: N818 - an answer of the server, not a fault of it
    """Why a call has no answer; the text says what to do."""


@dataclass(frozen=True)
class Job:
    """A call for a worker process.

    ``body``: what the process gets. ``seconds``: the time for the call, with what it waits; ``limit``: the setting or argument
    that limits it. ``subject``: what the call is about, "" for nothing in particular. ``mark`` is told how far a change is.
    """

    body: dict[str, Any]
    session: str
    seconds: float
    subject: str = ""
    limit: str = "the server's --timeout"
    mark: Callable[[str], None] = lambda _: None


class _Lane:
    """A process in the pool: whether it runs a call, and which subjects it has read."""

    def __init__(self, process: WorkerProcess) -> None:
        self.process = process
        self.is_busy = False
        self.subjects: OrderedDict[str, None] = OrderedDict()
        self.used = time.monotonic()
        self.last = ""


class WorkerPool:
    """At most ``settings.workers`` processes. Safe to share between threads."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._most = settings.workers
        self._condition = threading.Condition()
        self._lanes: list[_Lane] = []
        self._latest: _Lane | None = None
        self._changed = -1.0
        self._is_closed = False
        self._calls_lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._running: Counter[str] = Counter()

    def invalidate(self) -> None:
        """Use no diagnosis again that began before now."""
        self._changed = time.monotonic()

    @property
    def has_latest(self) -> bool:
        """Whether the newest diagnosis is still cached."""
        latest = self._latest
        return latest is not None and latest.process.is_alive

    def warm(self) -> None:
        """Start one process, so that the first call need not wait for it. Raises OSError."""
        with self._condition:
            if not self._lanes and not self._is_closed:
                self._lanes.append(_Lane(WorkerProcess(self._settings)))

    @contextmanager
    def admitted(self, session: str) -> Iterator[None]:
        """Count a call of a session while the block runs. Raises Refusal if there are too many."""
        with self._calls_lock:
            if self._calls[session] >= _MAX_SESSION_CALLS:
                raise Refusal(
                    f"this session has {_MAX_SESSION_CALLS} calls already: wait for an answer, then call again"
                )
            if self._calls.total() >= _MAX_CALLS:
                raise Refusal(f"the server has {_MAX_CALLS} calls already: call again in a few seconds")
            self._calls[session] += 1
        try:
            yield
        finally:
            with self._calls_lock:
                self._calls[session] -= 1
                if not self._calls[session]:
                    del self._calls[session]

    def run(self, job: Job, call: CallContext) -> dict[str, Any]:
        """Run a job when a process is free, and return its reply. Raises Refusal."""
        lane = self._lease(job, call.deadline)
        try:
            reply = lane.process.ask({**job.body, "changed": self._changed}, call, _GRACE)
            self._note(lane, reply)
        except OverdueError:
            self._discard(lane)
            raise Refusal(
                f"no answer within {job.seconds:.0f} s ({job.limit}), so the process of this call was ended: "
                "ask for less (one namespace, object or folder), or set a higher limit"
            ) from None
        except LostError as error:
            self._discard(lane)
            raise Refusal(
                f"the process of this call ended unexpectedly ({error}): call again, or ask for less"
            ) from None
        finally:
            self._release(lane, job)
        if reply.get("error") == "memory":
            raise Refusal(
                f"this call needs more memory than {self._settings.memory} MiB (the server's --memory): ask for less "
                "(one namespace, object or folder), or set a higher limit"
            )
        return reply

    def _note(self, lane: _Lane, reply: dict[str, Any]) -> None:
        with self._condition:
            if reply.get("last") and reply["last"] != lane.last:
                lane.last, self._latest = reply["last"], lane
            if not reply.get("last"):
                lane.subjects.clear()  # nothing is cached there: another subject need not start another process
        if reply.get("retire"):
            self._discard(lane)

    def _lease(self, job: Job, deadline: Deadline) -> _Lane:
        """Wait for a process that may run the job. Raises Refusal."""
        with self._condition:
            while True:
                if self._is_closed:
                    raise Refusal("the server ends")
                if deadline.cancelled:
                    raise Refusal("the call was cancelled")
                if deadline.over():
                    raise Refusal(
                        f"the call has waited for its whole time ({job.limit}) for other calls to end: call again"
                    )
                try:
                    lane = self._free(job)
                except OSError as error:
                    raise Refusal(f"no worker process can be started: {error.strerror or error}") from None
                if lane:
                    lane.is_busy = True
                    self._running[job.session] += 1
                    return lane
                self._condition.wait(min(_TICK, deadline.left()))

    def _free(self, job: Job) -> _Lane | None:
        """Return a process that is free for the job, or None. Raises OSError and Refusal."""
        self._drop_ended()
        if self._running[job.session] >= max(1, self._most - 1):
            return None  # the last process is for other sessions
        if job.subject == LATEST:
            if self._latest is None:
                raise Refusal("the newest diagnosis is not cached any more")
            return None if self._latest.is_busy else self._latest
        owner = next((lane for lane in self._lanes if job.subject and job.subject in lane.subjects), None)
        lane = owner or self._idle()
        if lane is None or lane.is_busy:
            return None
        if job.subject:
            lane.subjects[job.subject] = None
            lane.subjects.move_to_end(job.subject)
            while len(lane.subjects) > _MAX_SUBJECTS:
                lane.subjects.popitem(last=False)
        return lane

    def _idle(self) -> _Lane | None:
        """Return a process that has nothing cached, a new one, or the one that was not used for longest. Raises OSError."""
        idle = [lane for lane in self._lanes if not lane.is_busy]
        unused = next((lane for lane in idle if not lane.subjects), None)
        if unused is None and len(self._lanes) < self._most:
            unused = _Lane(WorkerProcess(self._settings))
            self._lanes.append(unused)
        return unused or min(idle, key=lambda lane: lane.used, default=None)

    def _drop_ended(self) -> None:
        """Forget the idle processes that have ended by themselves."""
        for lane in [lane for lane in self._lanes if not lane.is_busy and not lane.process.is_alive]:
            self._forget(lane)
            threading.Thread(target=lane.process.end, daemon=True).start()

    def _release(self, lane: _Lane, job: Job) -> None:
        with self._condition:
            lane.is_busy = False
            lane.used = time.monotonic()
            self._running[job.session] -= 1
            if not self._running[job.session]:
                del self._running[job.session]
            self._condition.notify_all()

    def _discard(self, lane: _Lane) -> None:
        lane.process.end()
        with self._condition:
            self._forget(lane)

    def _forget(self, lane: _Lane) -> None:
        with contextlib.suppress(ValueError):
            self._lanes.remove(lane)
        if self._latest is lane:
            self._latest = None

    def close(self) -> None:
        """End all processes, those of running calls too; returns when none is left."""
        self._is_closed = True
        lanes = list(self._lanes)
        for lane in lanes:
            lane.process.begin_end()
        until = time.monotonic() + END_GRACE
        for lane in lanes:
            lane.process.finish_end(until)
