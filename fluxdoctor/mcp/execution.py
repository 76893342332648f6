"""One call of a tool: in its own thread, with progress, a deadline, and an end when the client cancels it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from typing import Any, TypeVar

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.mcp.answers import GONE, read_cursor
from fluxdoctor.mcp.sessions import CachedDiagnosis, CallContext, DiagnosisCache, Query

T = TypeVar("T")
_running: dict[int, Deadline] = {}
_GRACE = 5  # seconds: reading ends by the deadline with partial results, and then the rules run


async def perform(ctx: Context[Any, Any], seconds: float, work: Callable[[CallContext], T]) -> T:
    """Do blocking work in a thread; if the client cancels the call, the work's waits end too.

    Raises what the work raises, and ToolError if the work does not end in time: then it goes on in the background.
    """
    deadline, steps = Deadline(seconds), count(1)

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

    with anyio.move_on_after(seconds + _GRACE):
        try:
            return await anyio.to_thread.run_sync(tracked, CallContext(deadline, tell), abandon_on_cancel=True)
        except anyio.get_cancelled_exc_class():
            deadline.cancel()
            raise
    raise ToolError(
        f"no answer within {seconds:.0f} s (the server's --timeout); try again, or limit the call to one namespace or folder"
    )


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
