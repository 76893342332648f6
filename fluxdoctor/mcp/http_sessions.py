"""Limits the sessions over HTTP: a new client is always let in, and the session that is used least makes room for it.

The MCP library refuses new sessions when there are too many. Many clients go away without ending theirs.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message

_HEADER = b"mcp-session-id"
_GREETINGS = 1  # a client that does nothing sends notifications/initialized and no more
_NOT_FOUND = 404


@dataclass
class _Session:
    """The use of one session: when it was last used, what it has sent, and which of its requests are being answered."""

    last: float = field(default_factory=time.monotonic)
    messages: int = 0
    posts: int = 0
    streams: int = 0

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """The session with the lowest rank makes room: without an open stream, never used, idle for longest."""
        return self.streams > 0, self.messages > _GREETINGS, self.last


class SessionLimit:
    """Ends sessions in the library's own way, with a DELETE request: their clients get 404, and may begin again."""

    def __init__(self, inner: ASGIApp, most: int) -> None:
        self._inner, self._most = inner, most
        self._sessions: dict[bytes, _Session] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, and take note of its session."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        name = _header(scope["headers"])
        if name in self._sessions:
            await self._pass_on(name, scope, receive, send)
            return
        if not name and scope["method"] == "POST":
            while len(self._sessions) >= self._most and await self._make_room(scope):
                pass
        await self._inner(scope, receive, _Listener(send, self._opened))

    def _opened(self, message: Message) -> None:
        name = _header(message["headers"])
        if name:
            self._sessions.setdefault(name, _Session())

    async def _pass_on(self, name: bytes, scope: Any, receive: Any, send: Any) -> None:
        session = self._sessions[name]
        is_post = scope["method"] == "POST"
        session.messages += is_post
        session.posts += is_post
        session.streams += not is_post
        session.last = time.monotonic()

        def ended(message: Message) -> None:
            if message["status"] == _NOT_FOUND or scope["method"] == "DELETE":
                self._sessions.pop(name, None)

        try:
            await self._inner(scope, receive, _Listener(send, ended))
        finally:
            session.posts -= is_post
            session.streams -= not is_post
            session.last = time.monotonic()

    async def _make_room(self, scope: Any) -> bool:
        """End the session that is used least; return False if all of them are waiting for an answer."""
        idle = [(session.rank, name) for name, session in self._sessions.items() if not session.posts]
        if not idle:
            return False
        name = min(idle)[1]
        self._sessions.pop(name)
        headers = [(key, value) for key, value in scope["headers"] if key in (b"host", b"authorization")]
        request = {
            **scope,
            "method": "DELETE",
            "headers": [*headers, (b"accept", b"application/json"), (_HEADER, name)],
        }
        await self._inner(request, _nothing, _ignore)
        return True


class _Listener:
    """Passes messages on, and calls a function with the first."""

    def __init__(self, send: Any, begun: Any) -> None:
        self._send, self._begun = send, begun

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun(message)
        await self._send(message)


def _header(headers: Any) -> bytes:
    return next((value for key, value in headers if key.lower() == _HEADER), b"")


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _ignore(_: Message) -> None:
    pass
