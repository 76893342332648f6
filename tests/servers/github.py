"""The part of GitHub's API that gives a GitHub App its token: it checks the signed statement as GitHub does."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.servers.serving import serving

BASE = "/api/v3"


@dataclass
class GitHub:
    """A running API: the app's id and public key, its installations (number -> token) and their owners."""

    key: rsa.RSAPublicKey
    app: str = "7"
    tokens: dict[str, str] = field(default_factory=dict)
    owners: dict[str, int] = field(default_factory=dict)
    """``orgs/acme`` or ``users/jane`` -> installation."""
    port: int = 0
    requests: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}{BASE}"

    def answer(self, request: str, authorization: str) -> tuple[int, dict[str, object]]:
        self.requests.append(request)
        if not self._signed(authorization):
            return 401, {"message": "A JSON web token could not be decoded"}
        method, _, path = request.partition(f" {BASE}/")
        parts = path.split("/")
        if method == "POST" and parts[:2] == ["app", "installations"] and parts[2] in self.tokens:
            return 201, {"token": self.tokens[parts[2]], "expires_at": "2030-01-01T00:00:00Z"}
        if method == "GET" and parts[2:] == ["installation"] and "/".join(parts[:2]) in self.owners:
            return 200, {"id": self.owners["/".join(parts[:2])]}
        return 404, {"message": "Not Found"}

    def _signed(self, authorization: str) -> bool:
        parts = authorization.removeprefix("Bearer ").split(".")
        try:
            head, claims = (json.loads(_decoded(part)) for part in parts[:2])
            signed = ".".join(parts[:2]).encode()
            self.key.verify(_decoded(parts[2]), signed, padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, InvalidSignature):
            return False
        now = time.time()
        lasts = claims["iat"] <= now < claims["exp"] <= claims["iat"] + 600
        return bool(head == {"alg": "RS256", "typ": "JWT"} and lasts and claims["iss"] == self.app)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class _Handler(BaseHTTPRequestHandler):
    state: GitHub

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def _reply(self) -> None:
        code, body = self.state.answer(f"{self.command} {self.path}", self.headers.get("Authorization", ""))
        raw = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


@contextlib.contextmanager
def github(state: GitHub, context: ssl.SSLContext) -> Iterator[GitHub]:
    """Serve the API over TLS on a free port of loopback."""
    with serving(_Handler, state, context):
        yield state
