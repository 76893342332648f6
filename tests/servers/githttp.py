"""Git over smart HTTP: the real git http-backend behind a small threaded server that can also misbehave."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

from tests.servers.repositories import ENV
from tests.servers.serving import serving


@dataclass
class GitServer:
    """A running server. ``authorization``: repository path -> the header it wants. ``status``: path prefix -> an answer."""

    root: Path
    port: int = 0
    scheme: str = "http"
    host: str = "127.0.0.1"
    authorization: dict[str, str] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    headers: dict[str, Mapping[str, str]] = field(default_factory=dict)
    body: dict[str, bytes] = field(default_factory=dict)
    slow: dict[str, float] = field(default_factory=dict)
    protocol: bool = True
    """Protocol 2 is spoken; else the oldest."""
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path with query, and the Authorization header of every request."""

    def url(self, path: str) -> str:
        return f"{self.scheme}://{self.host}:{self.port}{path}"

    def asked(self, path: str) -> list[str]:
        """Return the requests below a path."""
        return [f"{method} {target}" for method, target, _ in self.requests if target.startswith(path)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: GitServer

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._plain(200, b"")

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        state, body = self.state, self._body()
        state.requests.append((self.command, self.path, self.headers.get("Authorization", "")))
        for prefix, seconds in state.slow.items():
            if self.path.startswith(prefix):
                time.sleep(seconds)
        for prefix, code in state.status.items():
            if self.path.startswith(prefix):
                self._plain(code, state.body.get(prefix, b"<html>no git here</html>"), state.headers.get(prefix, {}))
                return
        for prefix, wanted in state.authorization.items():
            if self.path.startswith(prefix) and self.headers.get("Authorization") != wanted:
                self._plain(401, b"who are you", {"WWW-Authenticate": 'Basic realm="git"'})
                return
        self._backend(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            found = bytearray()
            while size := int(self.rfile.readline().strip() or b"0", 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return bytes(found)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _plain(self, code: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in {"Content-Type": "text/html", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _backend(self, body: bytes) -> None:
        target = urlsplit(self.path)
        env = {
            **ENV, "GIT_PROJECT_ROOT": str(self.state.root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": target.path,
            "QUERY_STRING": target.query, "REQUEST_METHOD": self.command, "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
        }  # fmt: skip
        if self.state.protocol:
            env["GIT_PROTOCOL"] = self.headers.get("Git-Protocol", "")
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=env, capture_output=True, check=False, timeout=60
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines() if ": " in line)
        code = int(headers.pop("Status", "200").split()[0])
        self._plain(code, content, headers)


@contextlib.contextmanager
def git_server(root: Path, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[GitServer]:
    """Serve the bare repositories below a folder on a free port of loopback, over TLS where a context is given."""
    state = GitServer(root, scheme="https" if context else "http", host=host)
    with serving(_Handler, state, context):
        yield state
