"""TLS as Go's clients do it, with authorities and a client certificate of a source's own."""

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
    """PEM texts: authorities to trust, a client certificate and its key; "" for what there is none of. Its repr says nothing.

    ``fingerprint`` tells two materials apart without their content.
    """

    authorities: str = ""
    certificate: str = ""
    key: str = ""
    fingerprint: str = ""

    def __repr__(self) -> str:
        return "Material(...)"


def context(material: Material | None = None, *, verify: bool = True, identify: bool = True) -> ssl.SSLContext:
    """Make a client context. The material's authorities are added to the system's (fluxcd/pkg, WithSystemCertPool).

    ``identify``: offer the client certificate. Raises UnreachableError(TLS) if the PEM cannot be used.
    """
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    result.hostname_checks_common_name = False  # Go looks at the alternative names only, since 1.15
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
        raise UnreachableError(Answer.TLS, "the Secret has a client certificate or its key, not both")
    try:
        with _readable_file(f"{certificate}\n{key}\n".encode()) as path:
            ssl_context.load_cert_chain(path, password=_no_password)
    except (ssl.SSLError, ValueError, OSError):
        raise UnreachableError(Answer.TLS, "the client certificate and the key in the Secret are no pair") from None


def _no_password() -> str:
    """OpenSSL would ask the terminal for the password of an encrypted key; Flux cannot use such a key either."""
    raise ValueError("the key is encrypted")


@contextlib.contextmanager
def _readable_file(content: bytes) -> Iterator[str]:
    """OpenSSL reads a key from a file only: give it one in memory, or one that is gone at once."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("tls", os.MFD_CLOEXEC)
        try:
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.write(content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        with tempfile.NamedTemporaryFile("wb") as file:  # of this user only, as mkstemp makes it
            file.write(content)
            file.flush()
            yield file.name
