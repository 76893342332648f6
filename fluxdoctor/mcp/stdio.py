"""The client's messages over stdin, of limited length: a line without end must not fill the memory."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from typing import Any, BinaryIO, cast

import anyio
from mcp.server.stdio import stdio_server

from fluxdoctor.mcp.validation import CheckedServer

_MAX_LINE = 1 << 20  # bytes
_TOO_LONG = "a line that is too long"  # is not JSON either, and is answered or logged as such


def serve(server: CheckedServer) -> None:
    """Serve one client until it closes stdin."""
    anyio.run(_serve, server)


async def _serve(server: CheckedServer) -> None:
    # The descriptor moves away, so that neither a tool nor a child reads the client's messages.
    lines = BoundedLines(os.fdopen(os.dup(sys.stdin.fileno()), "rb"))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    lowlevel = server._lowlevel_server  # noqa: SLF001 - the library's own way over stdio takes no other stdin
    async with stdio_server(stdin=cast("Any", lines)) as (receiving, sending):
        await lowlevel.run(receiving, sending, lowlevel.create_initialization_options())


class BoundedLines:
    """The lines of a file; those that are too long are skipped, and something that is no message is returned instead."""

    def __init__(self, file: BinaryIO, most: int = _MAX_LINE) -> None:
        self._file, self._most = file, most

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield the lines, and wait for each in a thread."""
        while line := await anyio.to_thread.run_sync(self.read, abandon_on_cancel=True):
            yield line

    def read(self) -> str:
        """Return the next line, "" at the end."""
        line = self._file.readline(self._most)
        if len(line) < self._most or line.endswith(b"\n"):
            return line.decode("utf-8", "replace")
        while line and not line.endswith(b"\n"):
            line = self._file.readline(self._most)
        return _TOO_LONG
