"""The facts about a Secret: the names, sizes, formats and public details of its values, never a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from fluxdoctor.intake.redact import Redactor
from fluxdoctor.intake.secret_entries import (
    SOPS,
    decoded,
    mapping,
    raw_entries,
    readable_text,
)
from fluxdoctor.intake.secret_formats import SSH_TYPE, describe
from fluxdoctor.intake.secret_values import RELEASE, SHORT_WORD, public_texts, strings, texts

_LONG_ANNOTATION: Final = 256
_LONG_PART: Final = 16  # two texts do not share this many characters by chance
_LARGE: Final = 2**63

_HOST: Final = r"(?:\[[\da-fA-F.:%]+\]|[\w*?.-]+)"
_ADDRESS: Final = rf"{_HOST}(?::\d{{1,5}})?"
_PRIVATE: Final = {"key_type": "rsa|dsa|ecdsa|ed25519|ed448|x25519|x448|unknown", "encrypted": bool}
_PLAIN: Final = (
    "empty", "text", "multi-line text", "binary", "invalid base64", "sops ciphertext", "release record", "JSON",
    "PEM public key", "PGP private key", "PGP public key",
)  # fmt: skip
#: The facts for each format besides the size: a type, a pattern for a text, or a list with the pattern of its texts.
_FORMATS: Final[dict[str, dict[str, Any]]] = {
    **{name: {} for name in _PLAIN},
    "PEM private key": _PRIVATE,
    "OpenSSH private key": _PRIVATE,
    "PEM certificate": {
        "expires": r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?", "names": [r"[\w*.:-]{1,255}"],
        "issuer_is_subject": bool, "count": int},
    "known_hosts": {
        "hosts": [r"!?(?:\[[\w*?.:%-]+\]:\d{1,5}|[\w*?.:%-]+)"], "hashed": int,
        "fingerprints": [rf"(?:{SSH_TYPE}) SHA256:[A-Za-z\d+/]{{43}}"]},
    "docker config": {"registries": [_ADDRESS], "with_credentials": [_ADDRESS]},
    "kubeconfig": {"servers": [_ADDRESS], "exec": r"[\w.+-]{0,64}", "has_credentials": bool},
    "age identity": {"recipients": [r"age1[a-z\d]{58}"]},
}  # fmt: skip
_OWNER: Final = {**dict.fromkeys(("apiVersion", "kind", "name", "uid"), str), "controller": bool}
_METADATA: Final[dict[str, Any]] = {
    **dict.fromkeys(("name", "namespace", "creationTimestamp", "deletionTimestamp", "resourceVersion", "uid"), str),
    "generation": int,
    "finalizers": [".*"],
    "ownerReferences": [{**_OWNER, "blockOwnerDeletion": bool}],
}


def facts(secret: Mapping[str, object]) -> dict[str, object]:
    """Return the Secret with ``keys`` in place of its data: the size, format and public details of each value.

    Raises nothing: fields without the expected shape are dropped. A Secret with ``keys`` and without data keeps them.
    """
    body = mapping(secret)
    raw_facts = _value_facts(body) if body.get("data") or body.get("stringData") else mapping(body.get("keys"))
    # New facts and facts from a saved snapshot pass the same check, so that one place decides which details are public.
    keys = {
        name: checked for name, fact in raw_facts.items() if isinstance(name, str) and (checked := _checked_fact(fact))
    }
    header = _matching_fields(body, {"apiVersion": str, "kind": str, "type": str})
    return {**header, "metadata": _metadata(body), "keys": keys}


def _matching_fields(body: Mapping[Any, Any], shape: Mapping[str, Any]) -> dict[str, object]:
    """Return the fields of a mapping that match the shape: for each name a type, a pattern, a list or a nested shape."""
    fields = {name: _matching_value(body.get(name), expected) for name, expected in shape.items()}
    return {name: value for name, value in fields.items() if value is not None}


def _matching_value(value: object, expected: Any) -> object:
    if isinstance(expected, list) and isinstance(value, list | tuple):
        return [matched for item in value if (matched := _matching_value(item, expected[0])) is not None]
    if isinstance(expected, dict) and isinstance(value, Mapping):
        return _matching_fields(value, expected)
    if isinstance(expected, str) and isinstance(value, str):
        return value if re.fullmatch(expected, value, re.ASCII | re.DOTALL) else None
    is_out_of_range = isinstance(value, int) and not 0 <= value < _LARGE
    return value if type(value) is expected and not is_out_of_range else None


def _checked_fact(fact: object) -> dict[str, object]:
    checked = _matching_fields(mapping(fact), {"size": int, "format": str})
    shape = _FORMATS.get(str(checked.get("format")))
    return {} if shape is None or "size" not in checked else {**checked, **_matching_fields(mapping(fact), shape)}


def _metadata(body: Mapping[Any, Any]) -> dict[str, object]:
    metadata = mapping(body.get("metadata"))
    annotations = strings(metadata.get("annotations"))
    annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    values = frozenset(texts(body)) if annotations else frozenset[str]()
    redactor = Redactor(text for text in values if len(text) >= SHORT_WORD)
    public_annotations = {
        name: text
        for name, text in annotations.items()
        if len(text) <= _LONG_ANNOTATION and (text in public_texts(body) or not _reveals(text, values, redactor))
    }
    maps = {"labels": strings(metadata.get("labels")), "annotations": public_annotations}
    return {**_matching_fields(metadata, _METADATA), **{name: value for name, value in maps.items() if value}}


def _reveals(annotation: str, texts: frozenset[str], redactor: Redactor) -> bool:
    """Tell whether an annotation contains a value, or a part of one that is too long to be a coincidence."""
    packed = re.findall(r"[A-Za-z\d+/]{16,}={0,2}", annotation)
    candidates = (
        annotation,
        *(text_in_word for word in packed if (text_in_word := readable_text(decoded(word, base64=True)))),
    )
    parts = {text[at : at + _LONG_PART] for text in candidates for at in range(len(text) - _LONG_PART + 1)}
    is_quoted = any(part in text for text in texts for part in parts)
    return is_quoted or annotation in texts or redactor.text(annotation) != annotation


def _value_facts(body: Mapping[Any, Any]) -> dict[str, object]:
    return {key: _value_fact(raw, base64, body.get("type") == RELEASE) for key, raw, base64 in raw_entries(body)}


def _value_fact(raw: object, base64: bool, release: bool) -> dict[str, object]:
    value = decoded(raw, base64)
    if isinstance(raw, str) and raw.startswith(SOPS):
        return {"size": len(raw), "format": "sops ciphertext"}
    if value is None:
        return {"size": len(raw) if isinstance(raw, str) else 0, "format": "invalid base64"}
    details = {"format": "release record"} if release and value else describe(value)
    return {"size": len(value), **details}
