"""Resolves hosts, and decides which addresses may be contacted."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from typing import Protocol

from fluxdoctor.collect.net.deadline import Deadline
from fluxdoctor.intake.credentials import redacted
from fluxdoctor.model.probes import Answer

METADATA_HOSTS = frozenset(("metadata", "metadata.google.internal", "metadata.goog", "instance-data"))


class UnreachableError(Exception):
    """A host could not be probed. ``answer`` is the class of the error; the text contains no secret."""

    def __init__(self, answer: Answer, detail: str) -> None:
        detail = redacted(detail)
        super().__init__(detail)
        self.answer, self.detail = answer, detail


class Network(Protocol):
    """The part of a run that a client needs: the deadline, and the allowed addresses."""

    @property
    def deadline(self) -> Deadline:
        """The deadline of the run."""

    @property
    def per_host(self) -> float:
        """Seconds allowed for each host."""

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Resolve a host to allowed addresses. Raises UnreachableError if it has none."""


def forbidden(address: str) -> str:
    """Return why an IP address must not be contacted without --allow-local; "" if it is allowed."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    kinds = {
        "a loopback address": ip.is_loopback,
        "a link-local address (used by cloud metadata services)": ip.is_link_local,
        "an unspecified address": ip.is_unspecified,
        "a multicast address": ip.is_multicast,
        "a cloud metadata address": str(ip) in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16"),
    }
    return next((why for why, applies in kinds.items() if applies), "")


def resolve(host: str, port: int, seconds: float) -> tuple[str, ...]:
    """Resolve a host. Raises UnreachableError if it does not resolve in time.

    The lookup runs in a thread, because getaddrinfo has no deadline; a thread that takes too long is abandoned.
    """
    outcome: list[tuple[str, ...] | OSError | UnicodeError] = []

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            outcome.append(tuple(dict.fromkeys(str(row[4][0]) for row in rows)))
        except (OSError, UnicodeError) as error:
            outcome.append(error)

    thread = threading.Thread(target=look_up, daemon=True, name=f"resolve {host}")
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise UnreachableError(Answer.TIMEOUT, f"{host} did not resolve within {seconds:.0f} s")
    if isinstance(outcome[0], Exception):
        raise UnreachableError(Answer.DNS, f"{host} does not resolve")
    return outcome[0]


def tls_answer(error: ssl.SSLError) -> Answer:
    """Return what is wrong with a server certificate, from OpenSSL's verification code."""
    code = getattr(error, "verify_code", 0)
    if code in (10, 9):  # X509_V_ERR_CERT_HAS_EXPIRED, _NOT_YET_VALID
        return Answer.TLS_EXPIRED
    if code in (62, 63, 64):  # _HOSTNAME_MISMATCH, _EMAIL_MISMATCH, _IP_ADDRESS_MISMATCH
        return Answer.TLS_WRONG_NAME
    if code in (2, 18, 19, 20, 21, 27):  # issuer or chain unknown, self-signed, untrusted
        return Answer.TLS_UNKNOWN_CA
    return Answer.TLS
