"""A Helm repository over HTTP: files with ETags, logins, and every way to answer that a client must survive."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import io
import ssl
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.servers.serving import serving

_DIGEST = "0123456789abcdef" * 4


@dataclass
class HelmServer:
    """A running server. ``files``: path -> content. ``login``: ``user:password`` that is wanted. ``odd``: path -> a handler."""

    files: dict[str, bytes] = field(default_factory=dict)
    login: str = ""
    odd: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    port: int = 0
    scheme: str = "http"
    host: str = "127.0.0.1"
    requests: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    """Path with query, and headers of each request by small name."""

    def url(self, path: str = "") -> str:
        return f"{self.scheme}://{self.host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: HelmServer

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        state = self.state
        state.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        path = self.path.partition("?")[0]
        wanted = "Basic " + base64.b64encode(state.login.encode()).decode()
        if path in state.odd:
            state.odd[path](self)
        elif state.login and self.headers.get("Authorization") != wanted:
            reply(self, 401, b"who are you?", {"WWW-Authenticate": 'Basic realm="helm"'})
        elif path not in state.files:
            reply(self, 404, b"<html>nothing here</html>")
        else:
            self._file(state.files[path])

    def _file(self, content: bytes) -> None:
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == etag:
            reply(self, 304, b"", {"ETag": etag})
        else:
            reply(self, 200, content, {"ETag": etag})


def reply(handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
    """Send an answer whole."""
    handler.send_response(status)
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def answering(status: int, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Make a handler that always answers so; ``_`` in the name of a header stands for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: reply(handler, status, body, named)


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Answer without an end, as fast as it is read."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    with contextlib.suppress(OSError):
        while True:
            handler.wfile.write(b"a: b\n" * 50_000)
    handler.close_connection = True


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """Answer a byte now and then, so that no read ever times out."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    with contextlib.suppress(OSError):
        for _ in range(600):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)
    handler.close_connection = True


def slow_body(handler: BaseHTTPRequestHandler) -> None:
    """Answer with a body of megabytes, a byte now and then."""
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5242880\r\n\r\n")
        for _ in range(600):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)
    handler.close_connection = True


def bomb(size: int = 2 << 30) -> bytes:
    """Pack zeros: a gigabyte is a megabyte."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9) as file:
        block = bytes(1 << 22)
        for _ in range(size // len(block)):
            file.write(block)
    return packed.getvalue()


@contextlib.contextmanager
def helm_server(
    files: Mapping[str, bytes] | None = None, context: ssl.SSLContext | None = None
) -> Iterator[HelmServer]:
    """Serve files on a free port of loopback, over TLS where a context is given."""
    state = HelmServer(dict(files or {}), scheme="https" if context else "http")
    with serving(_Handler, state, context):
        yield state


def big_index(megabytes: float, versions: int = 40) -> bytes:
    """Write an index as Helm does, of about this size: charts ``chart-00000`` and so on, each with many versions."""
    rows: list[str] = ["apiVersion: v1\nentries:\n"]
    size, number = 0, 0
    while size < megabytes * 1_000_000:
        chart = _chart(f"chart-{number:05d}", versions)
        rows.append(chart)
        size += len(chart)
        number += 1
    rows.append('generated: "2026-01-01T00:00:00.000000000Z"\n')
    return "".join(rows).encode()


def _chart(name: str, versions: int) -> str:
    return f"  {name}:\n" + "".join(
        f"  - annotations:\n      category: Database\n      images: |\n        - name: {name}\n          image: docker.io/acme/{name}:{minor}\n"
        f'    apiVersion: v2\n    appVersion: 1.{minor}.0\n    created: "2026-01-01T00:00:00.000000000Z"\n'
        f"    dependencies:\n    - name: common\n      repository: oci://registry.example.com/charts\n      version: 2.x.x\n"
        f"    description: A chart of {name} that is written as Helm writes it, with a line that is long enough to be wrapped\n"
        f"      here, at eighty characters.\n    digest: {_DIGEST}\n    home: https://example.com\n"
        f"    keywords:\n    - {name}\n    - database\n    maintainers:\n    - email: team@example.com\n      name: Team\n"
        f"    name: {name}\n    urls:\n    - https://charts.example.com/{name}-1.{minor}.0.tgz\n    version: 1.{minor}.0\n"
        for minor in reversed(range(versions))
    )


def package(name: str, version: str, files: Mapping[str, bytes | str]) -> bytes:
    """Pack a chart as ``helm package`` does, with a Chart.yaml unless one is given."""
    content = {"Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: {version}\n", **files}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in content.items():
            data = text.encode() if isinstance(text, str) else text
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()
