"""Streamable HTTP: loopback by default, Host and Origin checked, a bearer token, limits on size and number of requests."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import uvicorn
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.transport_security import TransportSecuritySettings
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from fluxdoctor.mcp.http_sessions import SessionLimit
from fluxdoctor.mcp.validation import CheckedServer

_BODY = 256 * 1024
_REQUESTS = 128
_SESSIONS = 256
_SPARE = 32  # sessions that may be opening at one moment
_END = 1  # seconds for the answers of the last requests
_SHORTEST = 16
_ARRIVES = 10.0
_EVERY = ("0.0.0.0", "::")  # noqa: S104 - recognised, not listened on by default  # nosec B104


@dataclass(frozen=True)
class ListenAddress:
    """Where to listen, port 0 for a free one; the bearer token, "" for none; and Host headers that are also answered."""

    host: str = "127.0.0.1"
    port: int = 0
    token: str = ""
    further: tuple[str, ...] = ()


class HttpError(Exception):
    """Why HTTP cannot be served; the text says what to do."""


def is_loopback(host: str) -> bool:
    """Tell whether an address can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def hosts(host: str, port: int, further: Sequence[str] = ()) -> list[str]:
    """Return the Host headers that are answered, so that no page of a browser can have us asked under a name of its own.

    Raises HttpError for all addresses of a machine where no name is said by which it is reached.
    """
    local = ("127.0.0.1", "localhost", "[::1]")
    own = f"[{host}]" if ":" in host else host
    if host in _EVERY and not further:
        raise HttpError(f"{host} means all addresses; set --allowed-host to the host and port that clients use")
    names = {*local, own} if is_loopback(host) or host in _EVERY else {own}
    return sorted({*(f"{name}:{port}" for name in names), *further})


def app(server: CheckedServer, at: ListenAddress) -> ASGIApp:
    """Return the application. Raises HttpError for an address that others can reach without a token."""
    token = at.token
    if not token and not is_loopback(at.host):
        raise HttpError(
            f"{at.host} is reachable from other machines; set a bearer token with --token-file, or listen on 127.0.0.1"
        )
    if token and (len(token) < _SHORTEST or not token.isascii() or not token.isprintable() or " " in token):
        raise HttpError(f"the token must have at least {_SHORTEST} ASCII characters and no spaces")
    answered = hosts(at.host, at.port, at.further)
    origins = [f"http://{name}" for name in answered] + [f"https://{name}" for name in at.further]
    security = TransportSecuritySettings(allowed_hosts=answered, allowed_origins=origins)
    sessions: ASGIApp = server.streamable_http_app(
        host=at.host, transport_security=security, max_request_body_size=_BODY, max_sessions=_SESSIONS + _SPARE,
        session_idle_timeout=server.diagnoses.settings.idle,
    )  # fmt: skip
    inner: ASGIApp = SessionLimit(sessions, _SESSIONS)
    if not token:
        return inner
    guarded = RequireAuthMiddleware(inner, required_scopes=[])
    return AuthenticationMiddleware(_Lifespan(guarded, inner), backend=BearerAuthBackend(_OneToken(token)))


class _Lifespan:
    """Lets the start and stop of the application through: they are nobody's request."""

    def __init__(self, guarded: ASGIApp, inner: ASGIApp) -> None:
        self._guarded, self._inner = guarded, inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await (self._inner if scope["type"] == "lifespan" else self._guarded)(scope, receive, send)


class _OneToken:
    """Knows one token, and compares in a time that does not tell how much of it was right."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    async def verify_token(self, token: str) -> AccessToken | None:
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._token):
            return None
        return AccessToken(token="", client_id="bearer", scopes=[])


class _Impatient(H11Protocol):
    """Ends a connection whose request does not arrive: uvicorn waits for it without end, and counts it as one of the few.

    A look every ``_ARRIVES`` seconds: what has been waiting for the rest of one request at two of them is ended.
    """

    _waited: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.loop.call_later(_ARRIVES, self._look)

    def _look(self) -> None:
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        waits = cycle is None or cycle.response_complete or cycle.more_body
        now = (cycle,) if waits else None
        if now is not None and now == self._waited:
            self.transport.abort()
            return
        self._waited = now
        self.loop.call_later(_ARRIVES, self._look)


def serve(
    server: CheckedServer, at: ListenAddress, ready: Callable[[str], None], ending: Callable[[], None] = lambda: None
) -> None:
    """Serve until the program is ended; ``ready`` is told the URL. Raises HttpError.

    ``ending`` is called in a thread when SIGTERM or SIGINT arrives: it ends the calls that run.
    """
    host = at.host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, at.port))
        except OSError as error:
            raise HttpError(f"{host}:{at.port}: {error.strerror or error}") from None
        bound = listening.getsockname()[1]
        configured = uvicorn.Config(
            app(server, replace(at, port=bound)), log_config=None, access_log=False, server_header=False,
            limit_concurrency=_REQUESTS, timeout_graceful_shutdown=_END, http=_Impatient, ws="none",
        )  # fmt: skip
        ready(f"http://{f'[{host}]' if ':' in host else host}:{bound}/mcp")
        program = uvicorn.Server(configured)
        handle_exit = program.handle_exit

        def end(number: int, frame: FrameType | None) -> None:
            threading.Thread(target=ending, daemon=True).start()
            handle_exit(number, frame)

        program.handle_exit = end  # type: ignore[method-assign, assignment] # it is what uvicorn calls at a signal
        program.run(sockets=[listening])
