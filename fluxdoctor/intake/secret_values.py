"""What must not be seen of a Secret anywhere: for the redactor's memory and the collectors' logins only."""

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

_SHORTEST: Final = 8  # a shorter value stands in too many words that are no secret


_LONG_LINE: Final = 15  # and a shorter line in too many files


SHORT_WORD: Final = 4  # what a longer text may hold by chance


RELEASE: Final = "helm.sh/release.v1"


#: Fields that hold credentials, in docker configs, kubeconfigs, chart values and .env files.
_CREDENTIAL: Final = re.compile(
    r"(?:pass(?:word|wd|phrase)?|pwd|token|credentials?|dsn|^auth|^secret|(?:client|shared|app|webhook)[-_.]?secret"
    r"|(?:api|access|private|secret|account|encryption|signing)[-_.]?key(?:[-_.]?(?:id|data))?|client-key-data)$",
    re.IGNORECASE,
)


def values(secret: Mapping[str, object]) -> frozenset[str]:
    """Return what must not be seen of the Secret anywhere: its values, their longer lines, and credentials within them.

    For the memory of a redactor only. What the Secret's own name, namespace and labels say is not secret.
    """
    body = mapping(secret)
    if body.get("type") == RELEASE:
        return frozenset()  # packed: nobody quotes it, and hundreds of them would fill the redactor
    return frozenset(text for text in texts(body) if len(text.strip()) >= _SHORTEST) - public_texts(body)


def words(secret: Mapping[str, object]) -> Iterator[str]:
    """Yield the short values that are credentials by their look or by the name of their key.

    They are masked where they stand as whole words; another short value may be any word (``main``, ``admin``).
    """
    for key, raw, base64 in raw_entries(mapping(secret)):
        text = (readable_text(decoded(raw, base64)) or "").strip()
        looks_like_credential = re.search(r"\d", text) and re.search(r"[^\W\d]", text)
        if SHORT_WORD <= len(text) < _SHORTEST and (looks_like_credential or _CREDENTIAL.search(key)):
            yield text


def entries(secret: Mapping[str, object]) -> Iterator[tuple[str, bytes]]:
    """Yield the keys and decoded values of a raw Secret. For the vault only: what collectors log in with."""
    for key, raw, base64 in raw_entries(mapping(secret)):
        if (value := decoded(raw, base64)) is not None:
            yield key, value


def strings(value: object) -> dict[str, str]:
    """Return the entries of a mapping whose key and value are strings."""
    return {k: v for k, v in mapping(value).items() if isinstance(k, str) and isinstance(v, str)}


def public_texts(body: Mapping[Any, Any]) -> frozenset[str]:
    """Return what the name, namespace and labels of a Secret say: never secret, even if a value is the same text."""
    metadata = mapping(body.get("metadata"))
    identity = strings({name: metadata.get(name) for name in ("name", "namespace")})
    return frozenset((*identity.values(), *strings(metadata.get("labels")).values()))


def texts(body: Mapping[Any, Any]) -> Iterator[str]:
    """Yield the values as text, the longer lines of each, and what is a credential within it; of any length."""
    candidates = [
        leaf for name in ("data", "stringData") for _, leaf in leaves(body.get(name)) if not mapping(body.get(name))
    ]
    for _, raw, base64 in raw_entries(body):
        if not (isinstance(raw, str) and raw.startswith(SOPS)):
            text = readable_text(decoded(raw, base64))
            # What cannot be read as text may still be quoted as it was written.
            candidates += [text] if text is not None else [leaf for _, leaf in leaves(raw)]
    for text in candidates:
        yield from filter(None, _parts(text))


def _parts(text: str) -> Iterator[str]:
    lines = [line.strip() for line in text.splitlines()]
    # The frame of a PEM block is no secret, and tells the redactor where one is.
    longer = [line for line in lines if len(line) > _LONG_LINE and not line.startswith("-----")]
    yield from (text, text.strip(), *(longer if len(lines) > 1 else ()))
    for name, value in pairs(text):
        if _CREDENTIAL.search(name):
            yield value
        if name == "auth" and (login := decoded(value, base64=True)):
            yield from (login.decode(errors="replace"), login.decode(errors="replace").partition(":")[2])
