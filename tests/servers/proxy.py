"""An HTTP proxy that tunnels, with a login or without, to loopback only."""

from __future__ import annotations

import base64
import contextlib
import http.client
import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.servers.serving import serving


@dataclass
class Proxy:
    """A running proxy: what it was asked for, and the names it knows (``git.test`` -> a port of loopback)."""

    port: int = 0
    login: str = ""
    names: dict[str, int] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Proxy

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_CONNECT(self) -> None:
        if not self._admitted():
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection(("127.0.0.1", self.state.names.get(host, int(port))), 5) as far:
            self.send_response(200, "Connected")
            self.end_headers()
            self._relay(far)
        self.close_connection = True

    def do_GET(self) -> None:
        if self._admitted():
            self._forward(b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self._admitted():
            self._forward(body)

    def _admitted(self) -> bool:
        self.state.requests.append(f"{self.command} {self.path}")
        wanted = "Basic " + base64.b64encode(self.state.login.encode()).decode()
        if self.state.login and self.headers.get("Proxy-Authorization") != wanted:
            self.send_response(407)
            self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False
        return True

    def _forward(self, body: bytes) -> None:
        target = urlsplit(self.path)
        port = self.state.names.get(target.hostname or "", target.port or 80)
        far = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {k: v for k, v in self.headers.items() if not k.lower().startswith("proxy-")}
        far.request(
            self.command, f"{target.path}?{target.query}" if target.query else target.path, body or None, headers
        )
        reply = far.getresponse()
        content = reply.read()
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        far.close()

    def _relay(self, far: socket.socket) -> None:
        near = self.connection
        while True:
            ready, _, _ = select.select([near, far], [], [], 30)
            if not ready:
                return
            for side in ready:
                chunk = side.recv(65536)
                if not chunk:
                    return
                (far if side is near else near).sendall(chunk)


@contextlib.contextmanager
def http_proxy(login: str = "") -> Iterator[Proxy]:
    """Run a proxy on a free port; ``login`` is ``user:password``."""
    state = Proxy(login=login)
    with serving(_Handler, state):
        yield state
