"""The server that clients talk to: it answers at once what needs no reading, and has worker processes do all other work."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError
from mcp_types import (
    CallToolResult,
    Completion,
    CompletionArgument,
    CompletionContext,
    InputRequiredResult,
)

from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.mcp.pool import LATEST, Job, Refusal, WorkerPool
from fluxdoctor.mcp.server import about, assemble, set_up_log
from fluxdoctor.mcp.sessions import CallContext, DiagnosisCache
from fluxdoctor.mcp.settings import ServerSettings
from fluxdoctor.mcp.validation import WRITING, CheckedServer

_LOCAL = ("explain_rule",)
_OF_LATEST = ("fluxdoctor://report", "fluxdoctor://graph")
_COMPLETION_SECONDS = 1.0
_PROGRESS = 16  # reports that may wait for a slow client; the others are dropped
_LOOK = 0.5  # seconds between two looks whether the client is still there
_UNCHANGED = "nothing was changed"


class FrontServer(CheckedServer):
    """Has its work done by worker processes: one pool for calls that read, one for those that change the cluster."""

    def __init__(self, diagnoses: DiagnosisCache, reading: WorkerPool, **more: Any) -> None:
        super().__init__(diagnoses, **more)
        self._reading = reading
        self._writing = WorkerPool(diagnoses.settings)
        self._threads = anyio.CapacityLimiter(256)

    def close(self) -> None:
        """End all calls and worker processes; returns when none is left."""
        closing = [threading.Thread(target=pool.close) for pool in (self._reading, self._writing)]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool, in a worker process if it reads or writes. Raises ToolError."""
        await self.check(name, arguments)
        if name in _LOCAL or context is None:
            return await super().call_tool(name, arguments, context)
        body = {"tool": name, "arguments": arguments}
        try:
            reply = await (self._change if name in WRITING else self._read)(body, arguments, context)
        except Refusal as refusal:
            raise ToolError(f"Error executing tool {name}: {refusal}") from None
        if "error" in reply:
            raise ToolError(reply["text"])
        return CallToolResult.model_validate(reply["answer"])

    async def _read(
        self, body: dict[str, Any], arguments: dict[str, Any], context: Context[Any, Any]
    ) -> dict[str, Any]:
        settings = self.diagnoses.settings
        self._check_context(arguments)
        place = arguments.get("context") or (settings.contexts[0] if settings.contexts else "")
        subject = f"path {arguments['path']!r}" if arguments.get("path") else f"cluster {place!r}"
        job = Job(body, _session(context), settings.timeout, subject)
        return await _run(self._reading, job, context, self._threads)

    def _check_context(self, arguments: dict[str, Any]) -> None:
        """Refuse another cluster at once: no process is needed for that. Raises Refusal."""
        if isinstance(arguments.get("context"), str):
            try:
                self.diagnoses.query(context=arguments["context"])
            except ToolError as error:
                raise Refusal(str(error)) from None

    async def _change(
        self, body: dict[str, Any], arguments: dict[str, Any], context: Context[Any, Any]
    ) -> dict[str, Any]:
        self._check_context(arguments)
        seconds, limit = self.diagnoses.settings.timeout, "the server's --timeout"
        if body["tool"] != "flux_suspend_tool":
            wait = arguments.get("wait_seconds", 60)
            seconds = float(wait) if isinstance(wait, int) and 1 <= wait <= 600 else 60.0  # noqa: PLR2004 - as the tools
            limit = "wait_seconds"
        progress = [_UNCHANGED]
        job = Job(body, _session(context), seconds, limit=limit, mark=lambda text: progress.append(text or _UNCHANGED))
        try:
            return await _run(self._writing, job, context, self._threads)
        except Refusal as refusal:
            raise Refusal(f"{refusal}. What became of the change: {progress[-1]}") from None
        finally:
            self._reading.invalidate()

    async def read_resource(
        self, uri: Any, context: Context[Any, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource, in the process with the newest diagnosis if it is about that. Raises ResourceError."""
        if str(uri) not in _OF_LATEST or context is None or not self._reading.has_latest:
            return await super().read_resource(uri, context)
        job = Job({"resource": str(uri)}, _session(context), self.diagnoses.settings.timeout, LATEST)
        try:
            reply = await _run(self._reading, job, context, self._threads)
        except Refusal as refusal:
            raise ResourceError(str(refusal)) from None
        if "error" in reply:
            raise (ResourceNotFoundError if reply["error"] == "missing" else ResourceError)(reply["text"])
        return [ReadResourceContents(content=item["content"], mime_type=item["mime_type"]) for item in reply["answer"]]

    async def complete(self, argument: CompletionArgument, context: CompletionContext | None) -> Completion:
        """Complete an argument from the newest diagnosis; without one, or while it is in use, from the rules alone."""
        body = {
            "argument": argument.model_dump(mode="json"),
            "context": context.model_dump(mode="json", by_alias=True) if context else None,
        }
        if self._reading.has_latest:
            with contextlib.suppress(Refusal):
                job = Job(body, "completion", _COMPLETION_SECONDS, LATEST)
                reply = await _run(self._reading, job, None, self._threads)
                return Completion.model_validate(reply["answer"])
        return await super().complete(argument, context)


def front(settings: ServerSettings, reading: WorkerPool | None = None) -> FrontServer:
    """Return the server for clients. Raises RuleError where two rule packs offer one rule.

    ``reading``: the pool for calls that read, if one process was started already. The caller closes the server.
    """
    set_up_log()
    return assemble(FrontServer(DiagnosisCache(settings), reading or WorkerPool(settings), **about(settings)))


def _session(context: Context[Any, Any]) -> str:
    """Return the session of a request; without one (a stateless protocol), its connection. Over stdio there is one."""
    request = context.request_context.request
    if request is None:
        return ""
    client = request.client
    return request.headers.get("mcp-session-id") or (f"{client.host}:{client.port}" if client else "")


async def _run(
    pool: WorkerPool, job: Job, context: Context[Any, Any] | None, threads: anyio.CapacityLimiter
) -> dict[str, Any]:
    """Run a job while its client is there. Raises Refusal."""
    deadline = Deadline(job.seconds)
    sending, receiving = anyio.create_memory_object_stream[str](_PROGRESS)

    def tell(text: str) -> None:
        with contextlib.suppress(Exception):  # neither a slow client nor one that has gone ends the call
            anyio.from_thread.run_sync(sending.send_nowait, text)

    outcome: dict[str, Any] | Refusal
    with pool.admitted(job.session):
        async with anyio.create_task_group() as group, sending, receiving:
            if context is not None:
                group.start_soon(_report, receiving, context)
                group.start_soon(_watch, context, deadline)
            try:
                outcome = await anyio.to_thread.run_sync(
                    pool.run, job, CallContext(deadline, tell, job.mark),
                    abandon_on_cancel=True, limiter=threads,
                )  # fmt: skip
            except Refusal as refusal:
                outcome = refusal
            except anyio.get_cancelled_exc_class():
                deadline.cancel()
                raise
            group.cancel_scope.cancel()
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


async def _report(progress: MemoryObjectReceiveStream[str], context: Context[Any, Any]) -> None:
    step = 0
    async for text in progress:
        step += 1
        with contextlib.suppress(Exception):
            await context.report_progress(float(step), None, text)


async def _watch(context: Context[Any, Any], deadline: Deadline) -> None:
    """Cancel the call if the HTTP connection on which it was made is closed: nobody would read the answer."""
    request = context.request_context.request
    if request is None:
        return
    while not await request.is_disconnected():  # noqa: ASYNC110 - there is nothing to wait for
        await anyio.sleep(_LOOK)
    deadline.cancel()
