"""Streamable HTTP: loopback by default, Host and Origin checked, a bearer token, limits on size and number of requests."""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.transport_security import TransportSecuritySettings
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.types import ASGIApp

_BODY = 256 * 1024
_REQUESTS = 32
_SESSIONS = 64
_SHORTEST = 16


class HttpError(Exception):
    """Why HTTP cannot be served; the text says what to do."""


def is_loopback(host: str) -> bool:
    """Tell whether an address can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def app(server: MCPServer[Any], host: str, port: int, token: str) -> ASGIApp:
    """Return the application. Raises HttpError for an address that others can reach without a token."""
    if not token and not is_loopback(host):
        raise HttpError(
            f"{host} can be reached by others: give a bearer token with --token-file, or listen on 127.0.0.1"
        )
    if token and len(token) < _SHORTEST:
        raise HttpError(f"the token is shorter than {_SHORTEST} characters")
    names = {"127.0.0.1", "localhost", "[::1]"} if is_loopback(host) else {f"[{host}]" if ":" in host else host}
    hosts = sorted(f"{name}:{port}" for name in names)
    security = TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=[f"http://{h}" for h in hosts])
    inner: ASGIApp = server.streamable_http_app(
        host=host, transport_security=security, max_request_body_size=_BODY, max_sessions=_SESSIONS
    )
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


def serve(server: MCPServer[Any], host: str, port: int, token: str, ready: Callable[[str], None]) -> None:
    """Serve until the program is ended; ``ready`` is told the address. Raises HttpError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as error:
            raise HttpError(f"{host}:{port}: {error.strerror or error}") from None
        bound = listening.getsockname()[1]
        configured = uvicorn.Config(
            app(server, host, bound, token), log_config=None, access_log=False, server_header=False,
            limit_concurrency=_REQUESTS, timeout_graceful_shutdown=2,
        )  # fmt: skip
        ready(f"http://{f'[{host}]' if ':' in host else host}:{bound}/mcp")
        uvicorn.Server(configured).run(sockets=[listening])
