"""A Pushgateway as far as a client sees it: it keeps what is put to a job, or refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import ClassVar

from tests.servers.serving import serving


@dataclass
class Pushgateway:
    """``got``: method, path, content type and text of each request. ``status``: how it answers."""

    status: int = 200
    answer: str = ""
    port: int = 0
    got: list[tuple[str, str, str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    state: ClassVar[Pushgateway]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.state.got.append((self.command, self.path, self.headers["Content-Type"], body))
        self.send_response(self.state.status)
        self.end_headers()
        self.wfile.write(self.state.answer.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def pushgateway(status: int = 200, answer: str = "") -> Iterator[Pushgateway]:
    """Run one for as long as the block lasts."""
    state = Pushgateway(status, answer)
    with serving(_Handler, state):
        yield state
