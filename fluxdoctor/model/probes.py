"""How sources responded to probes over the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from fluxdoctor.model.resource import Ref


class Answer(StrEnum):
    """The response of a git host, a Helm repository, a registry or a bucket to a probe from the collector's machine."""

    OK = "ok"
    DNS = "dns"
    """The name does not resolve."""
    REFUSED = "refused"
    """Nothing listens at the address, or the connection was reset."""
    TIMEOUT = "timeout"
    TLS_UNKNOWN_CA = "tls-unknown-ca"
    TLS_EXPIRED = "tls-expired"
    TLS_WRONG_NAME = "tls-wrong-name"
    TLS = "tls"
    """The TLS handshake failed for another reason."""
    HOST_KEY_ABSENT = "host-key-absent"
    """known_hosts has no key of the host."""
    HOST_KEY_MISMATCH = "host-key-mismatch"
    AUTHENTICATION = "authentication"
    """No or wrong credentials (401), or no permission to read (403)."""
    NOT_FOUND = "not-found"
    """It does not exist, or is hidden from these credentials."""
    EMPTY = "empty"
    """A repository without any commit."""
    MALFORMED = "malformed"
    """The response has the wrong format (an HTML page, broken YAML)."""
    TOO_LARGE = "too-large"
    RATE_LIMITED = "rate-limited"
    SERVER_ERROR = "server-error"
    PROXY = "proxy"
    """The proxy of spec.proxySecretRef does not respond, or denies access."""
    NOT_CONTACTED = "not-contacted"
    """The collector did not connect: the address is forbidden, or the URL is invalid for such a source."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Probe:
    """The probe of one source: its address, the class of the response, and a detail without any secret."""

    target: str
    answer: Answer
    detail: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Probes:
    """The probes of the sources, from the collector's machine. A controller may see another network."""

    tried: Mapping[Ref, Probe] = field(default_factory=dict)

    def of(self, source: Ref) -> Probe | None:
        """Return the probe of a source, or None if it was not probed."""
        return self.tried.get(source)
