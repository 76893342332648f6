"""Extracts the texts of a Secret that must not appear in any output. Only the redactor and the vault use them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fluxdoctor.intake.secret_entries import (
    SOPS,
    decoded,
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

#: Names of fields with credentials, in docker configs, kubeconfigs, chart values and .env files.
_CREDENTIAL: Final = re.compile(
    r"(?:pass(?:word|wd|phrase)?|pwd|token|credentials?|dsn|^auth|^secret|(?:client|shared|app|webhook)[-_.]?secret"
    r"|(?:api|access|private|secret|account|encryption|signing)[-_.]?key(?:[-_.]?(?:id|data))?|client-key-data)$",
    re.IGNORECASE,
)


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
        if SHORT_WORD <= len(text) < _SHORTEST and (looks_like_credential or _CREDENTIAL.search(key)):
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
        if not (isinstance(raw, str) and raw.startswith(SOPS)):
            text = readable_text(decoded(raw, base64))
            # A value that is not readable text may still be quoted as it was written.
            candidates += [text] if text is not None else [leaf for _, leaf in leaves(raw)]
    for text in candidates:
        yield from filter(None, _parts(text))


def _parts(text: str) -> Iterator[str]:
    lines = [line.strip() for line in text.splitlines()]
    # The BEGIN and END lines of a PEM block are public, and the redactor needs them to find the block.
    longer = [line for line in lines if len(line) > _LONG_LINE and not line.startswith("-----")]
    yield from (text, text.strip(), *(longer if len(lines) > 1 else ()))
    for name, value in pairs(text):
        if _CREDENTIAL.search(name):
            yield value
        if name == "auth" and (login := decoded(value, base64=True)):
            yield from (login.decode(errors="replace"), login.decode(errors="replace").partition(":")[2])
