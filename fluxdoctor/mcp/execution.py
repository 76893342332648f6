"""One call of a tool: in its own thread, with progress, a deadline, and an end when the client cancels it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from typing import Any, TypeVar

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.mcp.answers import GONE, read_cursor
from fluxdoctor.mcp.sessions import CachedDiagnosis, CallContext, DiagnosisCache, Query

T = TypeVar("T")
_running: dict[int, Deadline] = {}


class JobContext(Context[Any, Any]):
    """The context of a call in a worker process: what it reports goes to the server.

    ``seconds``: what is left of the call's time, after it has waited for this process.
    """

    _send: Callable[[dict[str, Any]], None]
    _seconds: float

    def __init__(self, server: MCPServer[Any], send: Callable[[dict[str, Any]], None], seconds: float) -> None:
        super().__init__(mcp_server=server)
        self._send, self._seconds = send, seconds

    @property
    def seconds(self) -> float:
        """What is left of the call's time."""
        return self._seconds

    async def report_progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Tell the server how far the call is. It counts the steps itself."""
        del progress, total
        self._send({"progress": message or ""})

    def mark(self, text: str) -> None:
        """Tell the server how far a change is, so that it can say so if it has to end this process."""
        self._send({"mark": text})


async def perform(ctx: Context[Any, Any], seconds: float, work: Callable[[CallContext], T]) -> T:
    """Do blocking work in a thread; if the client cancels the call, the work's waits end too. Raises what the work raises.

    The work is to end in ``seconds`` by itself. If it does not, the server ends the process (``pool``).
    """
    job = ctx if isinstance(ctx, JobContext) else None
    deadline, steps = Deadline(min(seconds, job.seconds) if job else seconds), count(1)

    def tell(text: str) -> None:
        if deadline.cancelled:
            return
        with contextlib.suppress(Exception):  # a client that has gone must not end the work
            anyio.from_thread.run(ctx.report_progress, float(next(steps)), None, text)

    def tracked(call: CallContext) -> T:
        _running[id(deadline)] = deadline
        try:
            return work(call)
        finally:
            _running.pop(id(deadline), None)

    call = CallContext(deadline, tell, job.mark) if job else CallContext(deadline, tell)
    try:
        return await anyio.to_thread.run_sync(tracked, call, abandon_on_cancel=True)
    except anyio.get_cancelled_exc_class():
        deadline.cancel()
        raise


def cancel_all(seconds: float) -> None:
    """Cancel all calls, and wait up to ``seconds`` for them to end their child processes and remove their files."""
    for deadline in list(_running.values()):
        deadline.cancel()
    ends = time.monotonic() + seconds
    while _running and time.monotonic() < ends:
        time.sleep(0.05)


def cached_diagnosis(
    diagnoses: DiagnosisCache, query: Query, call: CallContext, *, fresh: bool, cursor: str
) -> CachedDiagnosis:
    """Return the diagnosis to answer from; with a cursor, the one that the cursor belongs to.

    Raises ToolError if that diagnosis is no longer cached.
    """
    if not cursor:
        return diagnoses.read(query, call, fresh=fresh)
    diagnosis = diagnoses.by_id(cursor.partition("-")[0])
    if diagnosis is None:
        raise ToolError(GONE)
    return diagnosis


class Pager:
    """Where a page begins, and the cursor of the next one, which is valid for one diagnosis and one set of arguments."""

    def __init__(self, diagnosis: CachedDiagnosis, cursor: str, *arguments: object) -> None:
        """Raise ToolError for a cursor of another diagnosis, or of other arguments."""
        self._id = f"{diagnosis.id}-{sha256(repr(arguments).encode('utf-8', 'replace')).hexdigest()[:6]}"
        self.begin = read_cursor(cursor, self._id)

    def next(self, place: int, total: int) -> str:
        """Return the cursor of the next page, "" at the end."""
        return f"{self._id}.{place}" if place < total else ""
