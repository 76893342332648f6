"""A proxy in front of the API server that answers as a troubled cluster does: refusing, slow, silent, cut short, too large.

    with fault_proxy.running(cluster) as proxy:
        proxy.fault("/apis/kustomize", kind="429", times=1)
        ... cluster.kubeconfig(users.ADMIN, server=proxy.url) ...
        assert [seen.status for seen in proxy.requests] == [429, 200]

TLS towards both sides. What no fault is set for goes through as it is.
"""

from __future__ import annotations

import ssl
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import urllib3

from tests.e2e import bad_answers
from tests.e2e.bad_answers import Kind
from tests.e2e.cluster import Cluster
from tests.e2e.faults import Fault, Seen, outdated

_HOP_BY_HOP = {"connection", "host", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
_BLOCK = 64 * 1024
_PIECES = 20  # of an answer that drips
_STOP_SECONDS = 10


class FaultProxy(ThreadingHTTPServer):
    """The server; one thread a connection."""

    daemon_threads = True
    block_on_close = False  # a stalled connection must not hold up the end of a test
    request_queue_size = 128

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[Seen] = []
        self.broken: list[BaseException] = []  # what the proxy itself failed at: must be empty
        self.stopping = threading.Event()
        self.upstream = urllib3.PoolManager(
            maxsize=32, block=False, retries=False, ssl_context=ssl.create_default_context(cafile=str(cluster.ca_file))
        )
        self._faults: list[Fault] = []
        self._busy = 0
        self._lock = threading.Lock()
        self._target = cluster.server
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory(dir=cluster.folder) as scratch:
            pem = Path(scratch, "proxy.pem")
            pem.touch(0o600)
            cluster.ca.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
            self._tls.load_cert_chain(pem)

    @property
    def url(self) -> str:
        """Return the address to put into a kubeconfig."""
        return f"https://127.0.0.1:{self.server_address[1]}"

    @property
    def busy(self) -> int:
        """How many answers are being made."""
        return self._busy

    def fault(self, path: str, *, kind: Kind, **more: Any) -> Fault:
        """Spoil the requests whose path begins with ``path`` (or matches it, where it holds a ``*``); the first fault that fits counts."""
        added = Fault(path, kind, **more)
        with self._lock:
            self._faults.append(added)
        return added

    def clear(self) -> None:
        """Forget the faults and the requests."""
        with self._lock:
            self._faults.clear()
            self.requests.clear()

    def admit(self, seen: Seen) -> Fault | None:
        """Write a request down, and return the fault that strikes it."""
        with self._lock:
            self.requests.append(seen)
            struck = next((f for f in self._faults if f.strikes(seen.path, seen.query)), None)
            seen.fault = struck.kind if struck else None
            return struck

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Count an answer as being made."""
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1

    def forward(self, handler: BaseHTTPRequestHandler, body: bytes, *, plain: bool = False) -> urllib3.BaseHTTPResponse:
        """Ask the API server what the client asked; with ``plain``, for an answer that is not compressed."""
        headers = {k: v for k, v in handler.headers.items() if k.lower() not in _HOP_BY_HOP}
        if plain:
            headers = {k: v for k, v in headers.items() if k.lower() != "accept-encoding"} | {
                "Accept-Encoding": "identity"
            }
        return self.upstream.request(
            handler.command,
            self._target + handler.path,
            body=body or None,
            headers=headers,
            preload_content=False,
            decode_content=False,
            redirect=False,
        )

    def get_request(self) -> tuple[ssl.SSLSocket, Any]:
        """Accept a connection; its TLS handshake is made in its own thread, so that a silent client holds up nobody."""
        connection, address = super().get_request()
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, *_: Any) -> None:
        """Keep what the proxy failed at; that a client went away is its right."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, (OSError, urllib3.exceptions.HTTPError)):
            self.broken.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultProxy

    def log_message(self, *_: Any) -> None:
        """Say nothing: the requests are kept."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        get = self.headers.get
        seen = Seen(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            get("User-Agent", ""),
            get("Accept-Encoding", ""),
            get("Impersonate-User", ""),
        )
        body = self.rfile.read(int(get("Content-Length", "0")))
        with self.server.at_work():
            self._answer(seen, body, self.server.admit(seen))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 - http.server's names

    def _answer(self, seen: Seen, body: bytes, struck: Fault | None) -> None:
        if struck is None:
            self._through(seen, body)
        elif struck.kind == "slow":
            self.server.stopping.wait(struck.seconds)
            self._through(seen, body)
        elif struck.kind == "stall":
            self.close_connection = True
            self.server.stopping.wait()
        elif struck.kind in ("cut", "cut-chunked", "truncated", "hang"):
            self._half(seen, body, struck.kind)
        elif struck.kind == "drip":
            self._drip(seen, body, struck.seconds)
        elif struck.kind == "expired":
            self.path = outdated(self.path)
            self._through(seen, body)
        else:
            self._send(seen, bad_answers.answer(struck.kind, struck.seconds, struck.size))

    def _through(self, seen: Seen, body: bytes) -> None:
        answer = self.server.forward(self, body)
        seen.status = answer.status
        try:
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            whole = "Content-Length" in answer.headers or answer.status in (204, 304) or self.command == "HEAD"
            if not whole:
                self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for block in answer.stream(_BLOCK, decode_content=False):
                self._block(seen, block, chunked=not whole)
            if not whole:
                self.wfile.write(b"0\r\n\r\n")
        except BaseException:
            answer.close()
            raise
        answer.release_conn()

    def _half(self, seen: Seen, body: bytes, kind: Kind) -> None:
        """Send the first half of the real answer: framed as whole, or with the rest to follow, which then never comes."""
        status, content, data = self._plain(body)
        half = data[: len(data) // 2]
        framing = {"Transfer-Encoding": "chunked"} if kind == "cut-chunked" else {"Content-Length": str(len(data))}
        if kind == "truncated":
            framing = {"Content-Length": str(len(half))}
        self._head(seen, status, content | framing)
        self._block(seen, half, chunked=kind == "cut-chunked")
        self.close_connection = kind != "truncated"
        if kind == "hang":
            self.server.stopping.wait()

    def _drip(self, seen: Seen, body: bytes, seconds: float) -> None:
        """Send the real answer in small pieces, so that it takes so long although no single wait is long."""
        status, content, data = self._plain(body)
        self._head(seen, status, content | {"Content-Length": str(len(data))})
        step = -(-len(data) // _PIECES)
        for start in range(0, len(data), step):
            self.server.stopping.wait(seconds / _PIECES)
            self._block(seen, data[start : start + step], chunked=False)

    def _plain(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Return the code, the content type and the uncompressed body of the real answer."""
        answer = self.server.forward(self, body, plain=True)
        data = answer.read()
        answer.release_conn()
        return answer.status, {"Content-Type": answer.headers.get("Content-Type", "")}, data

    def _send(self, seen: Seen, answer: bad_answers.Answer) -> None:
        self._head(seen, answer.status, answer.headers)
        chunked = answer.headers.get("Transfer-Encoding") == "chunked"
        for block in answer.blocks:
            self._block(seen, block, chunked=chunked)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _head(self, seen: Seen, status: int, headers: Mapping[str, str]) -> None:
        seen.status = status
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _block(self, seen: Seen, block: bytes, *, chunked: bool) -> None:
        if block:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
            self.wfile.flush()
            seen.sent += len(block)


@contextmanager
def running(cluster: Cluster) -> Iterator[FaultProxy]:
    """Run a proxy in front of a cluster until the block ends. Raises what the proxy itself failed at."""
    proxy = FaultProxy(cluster)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.stopping.set()
        proxy.shutdown()
        thread.join(_STOP_SECONDS)
        proxy.server_close()
        proxy.upstream.clear()
    if proxy.broken:
        raise proxy.broken[0]
