"""The worker process: runs one call at a time for the server, which can end it without ending itself.

It has the tools of the server, and caches its diagnoses. The server sends the settings and then one job after another over stdin;
answers, progress and the begin of each change go back over stdout (``frames``). The process ends when stdin is closed, at
SIGTERM, when it was idle for long, and by an alarm of the kernel if a call lasts much longer than it may: neither a regular
expression nor a C extension can keep the process alive after the server has ended.
"""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import anyio
from mcp.server.mcpserver.exceptions import (
    ResourceError,
    ResourceNotFoundError,
    ToolError,
    UnexpectedResourceError,
    UnexpectedToolError,
)
from mcp_types import CallToolResult, CompletionArgument, CompletionContext
from pydantic import ValidationError

from fluxdoctor.collect.net import process
from fluxdoctor.mcp import frames
from fluxdoctor.mcp.execution import JobContext, cancel_all
from fluxdoctor.mcp.server import build, log
from fluxdoctor.mcp.settings import from_json
from fluxdoctor.mcp.validation import CheckedServer

_IDLE = 1800.0  # seconds without a job after which the process ends, and frees its memory
_ALARM = 30  # seconds after the end of a job's time; the server ends the process long before
_PATIENCE = 1.0  # seconds for a job to end, once the server is gone
Send = Callable[[dict[str, Any]], None]
_STOP: dict[str, Any] = {}


def main() -> None:
    """Run jobs until the server closes stdin."""
    stdin, stdout = _streams()
    first = frames.read(stdin)
    if first is None:
        return
    folders = [Path(folder) for folder in first["folders"]]
    tempfile.tempdir = str(folders[0])
    _limit_memory(first["settings"]["memory"])
    jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all; the server decides when to end
    signal.signal(signal.SIGTERM, partial(_stop, jobs))
    threading.Thread(target=_receive, args=(stdin, jobs, folders), daemon=True).start()
    send = _sender(stdout)
    server = build(from_json(first["settings"]))
    gc.freeze()  # what was imported stays
    gc.enable()
    with contextlib.suppress(queue.Empty, BrokenPipeError):
        while job := jobs.get(timeout=_IDLE):
            reply = _reply(server, job, send)
            send(reply)
            if reply.get("retire"):
                break
    _remove(folders)
    os._exit(0)  # a thread of a call may still wait for something


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """Return the pipes to the server. What else is printed goes to stderr, and children read nothing."""
    pipes = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return pipes


def _limit_memory(mebibytes: int) -> None:
    """Limit the address space, if the operating system can (macOS cannot)."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        most = mebibytes << 20
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _sender(stdout: BinaryIO) -> Send:
    lock = threading.Lock()

    def send(message: dict[str, Any]) -> None:
        with lock:
            frames.write(stdout, message)

    return send


def _stop(jobs: queue.SimpleQueue[dict[str, Any]], *_: object) -> None:
    jobs.put(_STOP)
    threading.Thread(target=cancel_all, args=(0,), daemon=True).start()  # not here: its locks may be in use


def _receive(stdin: BinaryIO, jobs: queue.SimpleQueue[dict[str, Any]], folders: list[Path]) -> None:
    """Pass jobs on, and cancel the current one if the server says so. If the server is gone, end the process."""
    with contextlib.suppress(frames.FrameError, OSError):
        while message := frames.read(stdin):
            if "cancel" in message:
                cancel_all(0)
            else:
                jobs.put(message)
    jobs.put(_STOP)
    cancel_all(_PATIENCE)
    threading.Event().wait(_PATIENCE)
    process.kill_all()
    _remove(folders)
    os._exit(1)


def _remove(folders: list[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _reply(server: CheckedServer, job: dict[str, Any], send: Send) -> dict[str, Any]:
    if hasattr(signal, "alarm"):
        signal.alarm(int(job["seconds"]) + _ALARM)
    try:
        server.diagnoses.invalidate(job["changed"])
        reply: dict[str, Any] = anyio.run(_run, server, job, send)
    except MemoryError:
        reply = {"error": "memory", "retire": True}
    finally:
        if hasattr(signal, "alarm"):
            signal.alarm(0)
    last = server.diagnoses.last
    return {**reply, "last": last.id if last else ""}


async def _run(server: CheckedServer, job: dict[str, Any], send: Send) -> dict[str, Any]:
    context = JobContext(server, send, job["seconds"])
    try:
        if "tool" in job:
            answer = await server.call_tool(job["tool"], job["arguments"], context)
            assert isinstance(answer, CallToolResult)  # noqa: S101 - no tool asks the client for input
            return {"answer": answer.model_dump(mode="json", by_alias=True, exclude_none=True)}
        if "resource" in job:
            return {"answer": await _resource(server, job["resource"], context)}
        completion = await server.complete(
            CompletionArgument.model_validate(job["argument"]),
            CompletionContext.model_validate(job["context"]) if job["context"] else None,
        )
        return {"answer": completion.model_dump(mode="json", by_alias=True)}
    except (ToolError, ResourceError) as error:
        return _failure(error)
    except ValidationError:
        return {"error": "tool", "text": "invalid arguments"}


async def _resource(server: CheckedServer, uri: str, context: JobContext) -> list[dict[str, Any]]:
    contents = await server.read_resource(uri, context)
    assert isinstance(contents, list)  # noqa: S101 - no resource asks the client for input
    return [{"content": str(item.content), "mime_type": item.mime_type} for item in contents]


def _failure(error: ToolError | ResourceError) -> dict[str, Any]:
    if _is_memory_error(error):
        return {"error": "memory", "retire": True}
    if isinstance(error, UnexpectedToolError | UnexpectedResourceError):
        log.error("a call raised an unexpected exception", exc_info=error)
    if isinstance(error, ToolError):
        return {"error": "tool", "text": str(error)}
    return {"error": "missing" if isinstance(error, ResourceNotFoundError) else "resource", "text": str(error)}


def _is_memory_error(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, MemoryError):
        error = error.__cause__ or error.__context__
    return error is not None
