"""One call of a tool: in a thread of its own, with progress, a deadline, and an end when the client calls it off."""

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
_GRACE = 5  # a reading ends by its deadline with what it has, and then the rules are applied


async def perform(ctx: Context[Any, Any], seconds: float, work: Callable[[CallContext], T]) -> T:
    """Do blocking work beside the loop; a client that calls it off ends its waits too.

    Raises what the work raises, and ToolError where it does not end in its time: then it goes on, and is not waited for.
    """
    deadline, steps = Deadline(seconds), count(1)

    def tell(text: str) -> None:
        if deadline.cancelled:
            return
        with contextlib.suppress(Exception):  # progress is a courtesy: a client that is gone must not end the work
            anyio.from_thread.run(ctx.report_progress, float(next(steps)), None, text)

    def tracked(run: CallContext) -> T:
        _running[id(deadline)] = deadline
        try:
            return work(run)
        finally:
            _running.pop(id(deadline), None)

    with anyio.move_on_after(seconds + _GRACE):
        try:
            return await anyio.to_thread.run_sync(tracked, CallContext(deadline, tell), abandon_on_cancel=True)
        except anyio.get_cancelled_exc_class():
            deadline.cancel()
            raise
    raise ToolError(
        f"no answer within {seconds:.0f} s (the server's --timeout): ask again, or of one namespace or folder"
    )


def cancel_all(seconds: float) -> None:
    """Call off all that is being done, and give it a while to take its children and its files with it: the program ends."""
    for deadline in list(_running.values()):
        deadline.cancel()
    ends = time.monotonic() + seconds
    while _running and time.monotonic() < ends:
        time.sleep(0.05)


def reading(desk: DiagnosisCache, ask: Query, run: CallContext, *, fresh: bool, cursor: str) -> CachedDiagnosis:
    """Return what to answer from: with a cursor, the reading that it goes on with. Raises ToolError where that is gone."""
    if not cursor:
        return desk.read(ask, run, fresh=fresh)
    held = desk.held(cursor.partition("-")[0])
    if held is None:
        raise ToolError(GONE)
    return held


class Pager:
    """Where a page begins, and the cursor of the next: it holds for one reading and one set of arguments."""

    def __init__(self, of: CachedDiagnosis, cursor: str, *arguments: object) -> None:
        """Raise ToolError for a cursor of another reading, or of other arguments."""
        self._id = f"{of.id}-{sha256(repr(arguments).encode('utf-8', 'replace')).hexdigest()[:6]}"
        self.begin = read_cursor(cursor, self._id)

    def next(self, place: int, total: int) -> str:
        """Return the cursor of the next page, "" at the end."""
        return f"{self._id}.{place}" if place < total else ""
