"""A client of the MCP server over HTTP, as small as the cases need it."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.redteam.kit import Box, BrokenError, has_ended, shown

TOKEN = "redteam-token-0123456789"
_WHO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "redteam", "version": "1"}}


class Client:
    """One session."""

    def __init__(self, port: int, token: str = TOKEN) -> None:
        self.port = port
        self.token = token
        self.session = ""
        self._number = 0

    def send(
        self, body: str, headers: Mapping[str, str] | None = None, timeout: float = 30
    ) -> tuple[int, Mapping[str, str], str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            own = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
            own |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
            own |= {"Mcp-Session-Id": self.session} if self.session else {}
            connection.request("POST", "/mcp", body.encode(), {**own, **(headers or {})})
            response = connection.getresponse()
            return (
                response.status,
                {k.lower(): v for k, v in response.getheaders()},
                response.read().decode("utf-8", "replace"),
            )
        finally:
            connection.close()

    def ask(self, method: str, parameters: Any = None, timeout: float = 30) -> tuple[int, Mapping[str, str], Any]:
        self._number += 1
        request = json.dumps({"jsonrpc": "2.0", "id": self._number, "method": method, "params": parameters or {}})
        status, headers, text = self.send(request, timeout=timeout)
        rows = [line[5:] for line in text.splitlines() if line.startswith("data:")] or [text]
        for row in rows:
            try:
                message = json.loads(row)
            except ValueError:
                continue
            if isinstance(message, dict) and message.get("id") == self._number:
                return status, headers, message
        return status, headers, text

    def open(self, timeout: float = 30) -> int:
        """Begin a session; return the HTTP status."""
        status, headers, _ = self.ask("initialize", _WHO, timeout)
        self.session = headers.get("mcp-session-id", "")
        if status == 200:
            self.send(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}), timeout=timeout)
        return status

    def call(self, tool: str, timeout: float = 60, **arguments: Any) -> str:
        return json.dumps(self.ask("tools/call", {"name": tool, "arguments": arguments}, timeout)[2])


def serve(box: Box, root: Path) -> int:
    """Start the MCP server with a root and a token; return its port."""
    token = box.path / "token"
    token.write_text(TOKEN)
    process, log = box.start(
        "mcp", "--transport", "http", "--port", "0", "--token-file", token, "--root", root, "--no-cache"
    )
    until = time.monotonic() + 60 * box.patience
    while time.monotonic() < until:
        match = re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text("utf-8", "replace"))
        if match and _listens(int(match[1])):
            return int(match[1])
        if has_ended(process.pid):
            break
        time.sleep(0.1)
    raise BrokenError(f"the MCP server does not start: {shown(log.read_text('utf-8', 'replace'))}")


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True
