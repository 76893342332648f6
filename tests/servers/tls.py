"""Server certificates of a private authority: good, expired, for another name, and one that asks for the client's."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import trustme


@dataclass(frozen=True)
class Authority:
    """A private certificate authority."""

    ca: trustme.CA = field(default_factory=trustme.CA)

    @property
    def pem(self) -> bytes:
        """Its certificate, as a Secret's ca.crt holds it."""
        return self.ca.cert_pem.bytes()

    def server(self, name: str = "127.0.0.1", *, expired: bool = False, clients: bool = False) -> ssl.SSLContext:
        """Return the context of a server whose certificate is for ``name``; ``clients``: only those with ours may in."""
        end = datetime.now(UTC) - timedelta(days=1) if expired else None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        begin = datetime(2020, 1, 1, tzinfo=UTC) if expired else None
        self.ca.issue_cert(name, not_before=begin, not_after=end).configure_cert(context)
        if clients:
            self.ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client(self) -> tuple[bytes, bytes]:
        """Return a client's certificate and key, as a Secret's tls.crt and tls.key hold them."""
        made = self.ca.issue_cert("client@example.com")
        return b"".join(pem.bytes() for pem in made.cert_chain_pems), made.private_key_pem.bytes()
