"""How sources answered when they were asked over the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from fluxdoctor.model.resource import Ref


class Answer(StrEnum):
    """How a git host, a Helm repository, a registry or a bucket answered, from where the collector runs."""

    OK = "ok"
    DNS = "dns"
    """The name does not resolve."""
    REFUSED = "refused"
    """Nothing listens there, or the connection was reset."""
    TIMEOUT = "timeout"
    TLS_UNKNOWN_CA = "tls-unknown-ca"
    TLS_EXPIRED = "tls-expired"
    TLS_WRONG_NAME = "tls-wrong-name"
    TLS = "tls"
    """Another fault of the TLS handshake."""
    HOST_KEY_ABSENT = "host-key-absent"
    """known_hosts has no key of the host."""
    HOST_KEY_MISMATCH = "host-key-mismatch"
    AUTHENTICATION = "authentication"
    """No or wrong credentials (401), or no right to read (403)."""
    NOT_FOUND = "not-found"
    """Not there, or hidden from these credentials."""
    EMPTY = "empty"
    """A repository without any commit."""
    MALFORMED = "malformed"
    """The answer is not what such a server answers (an HTML page, broken YAML)."""
    TOO_LARGE = "too-large"
    RATE_LIMITED = "rate-limited"
    SERVER_ERROR = "server-error"
    PROXY = "proxy"
    """The proxy of spec.proxySecretRef does not answer, or refuses."""
    NOT_CONTACTED = "not-contacted"
    """The collector refused: an address that is off limits, or a URL that no such server has."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Probe:
    """One source that was asked over the network: where, how it answered, and what it said, without any secret."""

    target: str
    answer: Answer
    detail: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Probes:
    """What was tried over the network from where the collector ran: its view, not the controller's."""

    tried: Mapping[Ref, Probe] = field(default_factory=dict)

    def of(self, source: Ref) -> Probe | None:
        """Return the probe of a source, or None when it was not tried."""
        return self.tried.get(source)
