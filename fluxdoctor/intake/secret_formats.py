"""Recognizes the format of a Secret value (key, certificate, docker config, ...) and extracts its public facts."""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

from fluxdoctor.intake.secret_entries import (
    SOPS,
    decoded,
    json_document,
    mapping,
    pairs,
    readable_text,
    safely,
    yaml_documents,
)

SSH_TYPE: Final = r"ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d{3}|sk-[a-z\d-]{1,32}@openssh\.com"

_KNOWN_HOST: Final = re.compile(
    rf"\s*(?:@cert-authority\s+)?([\w!*?.,:%|+/=\[\]-]+)\s+({SSH_TYPE})\s+([\w+/]+={{0,2}})(?:\s|\Z)"
)

_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def describe(value: bytes) -> dict[str, object]:
    """Return the format of a value and the public facts of that format, such as when a certificate expires."""
    text = readable_text(value)
    if not value or text is None:
        return {"format": "binary" if value else "empty"}
    for name, read in _READERS.items():
        if (details := safely(read, text)) is not None:
            return {"format": name, **details}
    return {"format": "multi-line text" if re.search(r"[\r\n]", text) else "text"}


def _pem_blocks(text: str, ending: str) -> list[tuple[str, str]]:
    """Return the label and text of the PEM blocks whose label has this ending. A block without an end stops at the next one."""
    blocks = []
    for part in re.split(r"(?m)^-----BEGIN ", text)[1:]:
        label = part.partition("-----")[0]
        body, end, _ = part.partition(f"-----END {label}-----")
        if label.endswith(ending):
            blocks.append((label, f"-----BEGIN {body}{end}\n"))
    return blocks


def _private_key(text: str) -> dict[str, object] | None:
    for label, block in _pem_blocks(text, "PRIVATE KEY"):
        is_openssh = label.startswith("OPENSSH")
        blob = decoded(block.split("-----")[2], base64=True) or b"" if is_openssh else b""
        is_encrypted = bool(re.match(rb"openssh-key-v1\0\0\0\0[^\4][a-z\d]", blob))  # a cipher other than "none"
        is_encrypted |= label.startswith("ENCRYPTED") or "Proc-Type: 4,ENCRYPTED" in block
        # The name of the key type is before the encrypted part, except in PKCS #8.
        type_match = re.search(rb"ssh-(rsa|dss|ed25519)|(ecdsa)-sha2|BEGIN (RSA|DSA|EC) ", blob or block.encode())
        name = type_match[type_match.lastindex or 0].decode().lower() if type_match else "unknown"
        kind = (
            {"ec": "ecdsa", "dss": "dsa"}.get(name, name)
            if is_encrypted
            else safely(_key_type, block.encode()) or "unknown"
        )
        return {
            "format": f"{'OpenSSH' if is_openssh else 'PEM'} private key",
            "key_type": kind,
            "encrypted": is_encrypted,
        }
    return None


def _key_type(pem: bytes) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x448, x25519

    types: dict[str, type] = {
        "rsa": rsa.RSAPrivateKey, "ecdsa": ec.EllipticCurvePrivateKey, "ed25519": ed25519.Ed25519PrivateKey,
        "dsa": dsa.DSAPrivateKey, "ed448": ed448.Ed448PrivateKey, "x25519": x25519.X25519PrivateKey,
        "x448": x448.X448PrivateKey,
    }  # fmt: skip
    if pem.startswith(b"-----BEGIN OPENSSH"):
        key: Any = serialization.load_ssh_private_key(pem, None)
    else:
        # Checking that the numbers are prime is slow, and its result is not used.
        key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    return next(name for name, kind in types.items() if isinstance(key, kind))


def _certificates(text: str) -> dict[str, object] | None:
    blocks = _pem_blocks(text, "CERTIFICATE")
    certificates = [certificate for _, block in blocks if (certificate := safely(_certificate, block.encode()))]
    # A server presents the first certificate, so its names count. If any certificate expires, the chain breaks.
    _, names, issuer_is_subject = certificates[0] if certificates else ("", [], False)
    expires = min((expiry for expiry, _, _ in certificates), default="")
    details = {"expires": expires, "names": names, "issuer_is_subject": issuer_is_subject, "count": len(certificates)}
    return details if blocks else None


def _certificate(pem: bytes) -> tuple[str, list[str], bool]:
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(pem)
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = {
            *alternatives.get_values_for_type(x509.DNSName),
            *map(str, alternatives.get_values_for_type(x509.IPAddress)),
        }
    except x509.ExtensionNotFound:
        names = set()
    expires = certificate.not_valid_after_utc.isoformat().replace("+00:00", "Z")
    return expires, sorted(names), certificate.issuer == certificate.subject


def _known_hosts(text: str) -> dict[str, object] | None:
    hosts: set[str] = set()
    fingerprints: set[str] = set()
    hashed = 0
    for name, kind, key in (entry.groups() for line in text.splitlines() if (entry := _KNOWN_HOST.match(line))):
        blob = decoded(key, base64=True) or b""
        if blob.startswith(len(kind).to_bytes(4) + kind.encode()):
            digest = binascii.b2a_base64(hashlib.sha256(blob).digest(), newline=False).decode().rstrip("=")
            fingerprints.add(f"{kind} SHA256:{digest}")
            hashed += name.startswith("|")
            hosts.update(() if name.startswith("|") else name.split(","))
    return {"hosts": sorted(hosts), "hashed": hashed, "fingerprints": sorted(fingerprints)} if fingerprints else None


def _address(url: str, port: str = "") -> str:
    """Return host and port of a URL or address, or "" if the result may be part of a password."""
    authority, _, path = re.sub(r"\A[\w+.-]+://", "", url).partition("/")
    address = "" if "@" in path else re.split(r"[?#\s]", authority.rpartition("@")[2])[0]
    return address if not address or re.search(r":\d+\Z", address) else address + port


def _docker_config(text: str) -> dict[str, object] | None:
    config = mapping(json_document(text))
    auths = mapping(config.get("auths", config))  # without auths: .dockercfg, the older format
    logins = [(_address(host), mapping(login)) for host, login in auths.items()]
    if "auths" not in config and not (logins and all("auth" in login for _, login in logins)):
        return None
    usable = {host for host, login in logins if login.get("auth") or (login.get("username") and login.get("password"))}
    return {"registries": sorted({host for host, _ in logins}), "with_credentials": sorted(usable)}


def _kubeconfig(text: str) -> dict[str, object] | None:
    documents = [document] if (document := json_document(text)) is not None else yaml_documents(text)
    fields = set(mapping(documents[0])) if documents else set(re.findall(r"(?m)^[\"']?(\w+)[\"']?:", text))
    if not {"clusters", "users"} <= fields:
        return None
    rows = list(pairs(text))
    servers = {
        _address(url, ":80" if url.startswith("http:") else ":443")
        for name, url in rows
        if name == "server" and "://" in url
    }
    command = min((text for name, text in rows if name == "command"), default="")
    has_credentials = any(text and name in ("token", "password", "client-key-data") for name, text in rows)
    return {"servers": sorted(servers), "exec": command.rpartition("/")[2], "has_credentials": has_credentials}


def _age(text: str) -> dict[str, object] | None:
    keys = re.findall(r"(?m)^AGE-SECRET-KEY-\S+", text)
    return {"recipients": sorted({r for key in keys if (r := safely(_recipient, key))})} if keys else None


def _recipient(identity: str) -> str:
    """Return the public key of an X25519 identity, both in bech32 (BIP 173). Raises ValueError if the identity is not valid."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    prefix, _, encoded = identity.lower().rpartition("1")
    groups = [_BECH32.index(char) for char in encoded]
    if prefix != "age-secret-key-" or _checksum(prefix, groups) != 1:
        raise ValueError("not an X25519 identity")
    number = int("".join(f"{group:05b}" for group in groups[:-6])[:256], 2)
    public = X25519PrivateKey.from_private_bytes(number.to_bytes(32)).public_key().public_bytes_raw()
    bits = "".join(f"{byte:08b}" for byte in public) + "0000"
    groups = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    check = _checksum("age", [*groups, *[0] * 6]) ^ 1
    return "age1" + "".join(_BECH32[group] for group in (*groups, *(check >> at & 31 for at in range(25, -1, -5))))


def _checksum(prefix: str, groups: list[int]) -> int:
    state = 1
    for value in (*(ord(c) >> 5 for c in prefix), 0, *(ord(c) & 31 for c in prefix), *groups):
        top, state = state >> 25, (state & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            state ^= generator if top >> bit & 1 else 0
    return state


#: The reader of each format: returns the public facts, or None if the text has another format. Secret formats come first.
_READERS: Final[dict[str, Callable[[str], dict[str, object] | None]]] = {
    "sops ciphertext": lambda text: {} if SOPS in text else None,
    "PEM private key": _private_key,
    "PGP private key": lambda text: {} if _pem_blocks(text, "PGP PRIVATE KEY BLOCK") else None,
    "age identity": _age,
    "PEM certificate": _certificates,
    "PEM public key": lambda text: {} if _pem_blocks(text, "PUBLIC KEY") else None,
    "PGP public key": lambda text: {} if _pem_blocks(text, "PGP PUBLIC KEY BLOCK") else None,
    "known_hosts": _known_hosts,
    "docker config": _docker_config,
    "kubeconfig": _kubeconfig,
    "JSON": lambda text: {} if json_document(text) is not None else None,
}
