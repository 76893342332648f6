"""What the servers of the tests share: a threaded HTTP server for as long as a block lasts, and a program's port."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up (killed, or one that does not like our certificate) is no news."""


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler], state: Any, context: ssl.SSLContext | None = None) -> Iterator[None]:
    """Serve on a free port of loopback, over TLS where a context is given; ``state`` is told the port, and is the handler's."""
    with _Server(("127.0.0.1", 0), type("Handler", (handler,), {"state": state})) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait(port: int, process: subprocess.Popen[bytes], log: Path, name: str) -> None:
    """Wait until a program listens. Raises RuntimeError with its log where it ends or does not begin."""
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"{name} does not start: {log.read_text()}")
