"""Extracts the texts of a Secret that must not appear in any output. Only the redactor and the vault use them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from fluxdoctor.intake.named_values import is_credential_name
from fluxdoctor.intake.secret_entries import (
    decoded,
    is_encrypted,
    leaves,
    mapping,
    pairs,
    raw_entries,
    readable_text,
)

_SHORTEST: Final = 8  # a shorter value is part of too many words that are not secret
_LONG_LINE: Final = 15  # a shorter line is in too many files
#: The shortest text that is unlikely to be part of a longer one by chance.
SHORT_WORD: Final = 4
#: The type of the Secrets in which Helm stores releases.
RELEASE: Final = "helm.sh/release.v1"

#: Names of fields with credentials besides those that anybody would call so: in docker configs, kubeconfigs and chart values.
_MORE_NAMES: Final = re.compile(r"(?:^auth|^secret|dsn|[-_.]?key(?:[-_.]?(?:id|data))?)$", re.IGNORECASE)
#: The keys of the entries that Flux and others read as a user and its password.
_LOGINS: Final = (
    ("username", "password"), ("user", "password"), ("user", "pass"), ("username", "token"), ("username", "bearertoken"),
    ("accesskey", "secretkey"), ("clientid", "clientsecret"), ("client_id", "client_secret"), ("login", "password"),
)  # fmt: skip
_URL_LOGIN: Final = re.compile(r"://(?P<user>[^\s/?#\"'<>@:]{0,256}):(?P<password>[^\s/?#\"'<>@]{1,1024})@")


def values(secret: Mapping[str, object]) -> frozenset[str]:
    """Return the texts to redact: the values of the Secret, their longer lines, and credentials inside them.

    For a redactor only. The Secret's own name, namespace and labels are not secret.
    """
    body = mapping(secret)
    if body.get("type") == RELEASE:
        return frozenset()  # compressed, so no message quotes it, and hundreds of releases would slow the redactor
    return frozenset(text for text in texts(body) if len(text.strip()) >= _SHORTEST) - public_texts(body)


def words(secret: Mapping[str, object]) -> Iterator[str]:
    """Yield the short values that look like credentials or have the key of one.

    They are masked only as whole words. Any other short value may be an ordinary word (``main``, ``admin``).
    """
    for key, raw, base64 in raw_entries(mapping(secret)):
        text = (readable_text(decoded(raw, base64)) or "").strip()
        looks_like_credential = re.search(r"\d", text) and re.search(r"[^\W\d]", text)
        if SHORT_WORD <= len(text) < _SHORTEST and (looks_like_credential or _is_credential(key)):
            yield text


def entries(secret: Mapping[str, object]) -> Iterator[tuple[str, bytes]]:
    """Yield the keys and decoded values of a raw Secret. For the vault only."""
    for key, raw, base64 in raw_entries(mapping(secret)):
        if (value := decoded(raw, base64)) is not None:
            yield key, value


def strings(value: object) -> dict[str, str]:
    """Return the entries of a mapping whose key and value are strings."""
    return {k: v for k, v in mapping(value).items() if isinstance(k, str) and isinstance(v, str)}


def public_texts(body: Mapping[Any, Any]) -> frozenset[str]:
    """Return the name, namespace and label values of a Secret. They are not secret, even if a value is the same text."""
    metadata = mapping(body.get("metadata"))
    identity = strings({name: metadata.get(name) for name in ("name", "namespace")})
    return frozenset((*identity.values(), *strings(metadata.get("labels")).values()))


def texts(body: Mapping[Any, Any]) -> Iterator[str]:
    """Yield the values as text, the longer lines of each, and the credentials inside each; of any length."""
    candidates = [
        leaf for name in ("data", "stringData") for _, leaf in leaves(body.get(name)) if not mapping(body.get(name))
    ]
    for _, raw, base64 in raw_entries(body):
        if not is_encrypted(raw):
            text = readable_text(decoded(raw, base64))
            # A value that is not readable text may still be quoted as it was written.
            candidates += [text] if text is not None else [leaf for _, leaf in leaves(raw)]
    yield from _logins(body)
    for text in candidates:
        yield from filter(None, _parts(text))


def credentials_inside(text: str) -> frozenset[str]:
    """Return the credentials in a document such as a kubeconfig: the values of its fields of that name, keys, URLs."""
    return frozenset(filter(None, _credentials(text)))


def _is_credential(name: str) -> bool:
    return is_credential_name(name) or bool(_MORE_NAMES.search(name))


def _logins(body: Mapping[Any, Any]) -> Iterator[str]:
    """Yield ``user:password`` of the entries of a Secret: a header has both together in base64."""
    entries = {
        key.lower(): text.strip()
        for key, raw, base64 in raw_entries(body)
        if (text := readable_text(decoded(raw, base64)) or "")
    }
    for user, password in _LOGINS:
        if entries.get(password):
            yield f"{entries.get(user, '')}:{entries[password]}"


def _parts(text: str) -> Iterator[str]:
    lines = [line.strip() for line in text.splitlines()]
    # The BEGIN and END lines of a PEM block are public, and the redactor needs them to find the block.
    longer = [line for line in lines if len(line) > _LONG_LINE and not line.startswith("-----")]
    yield from (text, text.strip(), *(longer if len(lines) > 1 else ()))
    yield from _credentials(text)


def _credentials(text: str) -> Iterator[str]:
    logins: dict[str, str] = {}
    for name, value in pairs(text):
        if _is_credential(name):
            yield value
        if name == "auth" and (login := decoded(value, base64=True)):
            yield from (login.decode(errors="replace"), login.decode(errors="replace").partition(":")[2])
        if name.endswith("-data") and (inner := readable_text(decoded(value, base64=True))):  # a key of a kubeconfig
            yield from (line for line in inner.splitlines() if len(line) > _LONG_LINE and not line.startswith("-----"))
        if name == "username":
            logins["user"] = value
        elif name == "password" and logins:
            yield f"{logins['user']}:{value}"
    yield from _url_parts(text)


def _url_parts(text: str) -> Iterator[str]:
    """Yield the passwords of the URLs in a text, as written and decoded, and ``user:password``."""
    for match in _URL_LOGIN.finditer(text):
        user, password = match["user"], match["password"]
        yield from (password, unquote(password), f"{unquote(user)}:{unquote(password)}")
