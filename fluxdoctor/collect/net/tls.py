"""TLS contexts that behave like Go's clients, with the certificate authorities and client certificate of a source."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.model.probes import Answer


@dataclass(frozen=True, slots=True, repr=False)
class Material:
    """PEM texts: authorities to trust, a client certificate and its key; "" if absent. Its repr shows no content.

    ``fingerprint`` distinguishes two materials without revealing their content.
    """

    authorities: str = ""
    certificate: str = ""
    key: str = ""
    fingerprint: str = ""

    def __repr__(self) -> str:
        return "Material(...)"


def context(material: Material | None = None, *, verify: bool = True, identify: bool = True) -> ssl.SSLContext:
    """Return a client context. The material's authorities are added to the system's (fluxcd/pkg, WithSystemCertPool).

    ``identify``: offer the client certificate. Raises UnreachableError(TLS) if the PEM cannot be used.
    """
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    result.hostname_checks_common_name = False  # Go checks only the alternative names, since 1.15
    result.load_default_certs()
    if not verify:
        result.check_hostname = False
        result.verify_mode = ssl.CERT_NONE
    if material is not None:
        _load_authorities(result, material)
        if identify:
            _load_client_certificate(result, material)
    return result


def _load_authorities(ssl_context: ssl.SSLContext, material: Material) -> None:
    if not material.authorities:
        return
    try:
        ssl_context.load_verify_locations(cadata=material.authorities)
    except (ssl.SSLError, ValueError):
        raise UnreachableError(Answer.TLS, "the certificate authority in the Secret is not PEM") from None


def _load_client_certificate(ssl_context: ssl.SSLContext, material: Material) -> None:
    certificate, key = material.certificate, material.key
    if not certificate and not key:
        return
    if not certificate or not key:
        raise UnreachableError(Answer.TLS, "the Secret has only one of client certificate and key")
    try:
        with _readable_file(f"{certificate}\n{key}\n".encode()) as path:
            ssl_context.load_cert_chain(path, password=_no_password)
    except (ssl.SSLError, ValueError, OSError):
        raise UnreachableError(Answer.TLS, "the client certificate and the key in the Secret do not match") from None


def _no_password() -> str:
    """Raise ValueError: without this callback OpenSSL asks the terminal for a password. Flux rejects encrypted keys too."""
    raise ValueError("the key is encrypted")


@contextlib.contextmanager
def _readable_file(content: bytes) -> Iterator[str]:
    """Yield the path of a file with the content, in memory or removed afterwards: OpenSSL reads a key only from a file."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("tls", os.MFD_CLOEXEC)
        try:
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.write(content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        with tempfile.NamedTemporaryFile("wb") as file:  # mkstemp makes it readable only by this user
            file.write(content)
            file.flush()
            yield file.name
