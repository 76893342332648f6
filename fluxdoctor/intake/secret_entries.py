"""Reads the entries of a Secret. The readers are total: they return None or an empty result instead of raising."""

from __future__ import annotations

import binascii
import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

_In = TypeVar("_In")
_Out = TypeVar("_Out")

#: The start of a value that SOPS has encrypted, or that looks so.
SOPS: Final = "ENC[AES256_GCM,"
#: A value that SOPS 3 has encrypted: a nonce of 32 bytes and a tag of 16 (aes/cipher.go).
_SOPS_VALUE: Final = re.compile(
    r"ENC\[AES256_GCM,data:[A-Za-z\d+/]*={0,2},iv:[A-Za-z\d+/]{43}=,tag:[A-Za-z\d+/]{22}==,type:(?:str|int|float|bytes|bool|comment)\]\s*"
)
_LONGEST_YAML: Final = 1 << 20


def mapping(value: object) -> Mapping[Any, Any]:
    """Return the value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def safely(read: Callable[[_In], _Out], value: _In) -> _Out | None:
    """Return the result of a reader for a value, or None if it raises anything."""
    try:
        with warnings.catch_warnings():  # a warning of a library may reveal something about the value
            warnings.simplefilter("ignore")
            return read(value)
    except Exception:  # noqa: BLE001 - a Secret can contain anything; a value that a parser cannot read has no facts
        return None


def is_encrypted(value: object) -> bool:
    """Tell whether a value has the complete shape of one that SOPS has encrypted. Its start alone proves nothing."""
    return isinstance(value, str) and bool(_SOPS_VALUE.fullmatch(value))


def raw_entries(body: Mapping[Any, Any]) -> Iterator[tuple[str, object, bool]]:
    """Yield each key, its value as written, and whether it is base64. stringData has priority, as in the API server."""
    plain, data = mapping(body.get("stringData")), mapping(body.get("data"))
    yield from ((as_text(key), raw, True) for key, raw in data.items() if key not in plain)
    yield from ((as_text(key), raw, False) for key, raw in plain.items())


def decoded(raw: object, base64: bool) -> bytes | None:
    """Return the bytes of a value as written, or None if it is not base64 or not a string."""
    if raw is None or not isinstance(raw, str):
        return b"" if raw is None else None
    if not base64:
        return raw.encode("utf-8", "surrogatepass")
    # The API server accepts line breaks in base64, and no other characters.
    packed = re.sub(r"[\r\n]", "", raw)
    try:
        # strict_mode does not check the length of the padding.
        return binascii.a2b_base64(packed, strict_mode=True) if len(packed) % 4 == 0 else None
    except ValueError:
        return None


def readable_text(value: bytes | None) -> str | None:
    """Return bytes as text, or None if they are not UTF-8 or contain control characters."""
    try:
        text = (value or b"").decode()
    except UnicodeDecodeError:
        return None
    return None if value is None or re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text) else text


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of the fields of a JSON or YAML text, and of its ``name: text`` and ``name=text`` lines."""
    if (document := json_document(text)) is not None:
        yield from leaves(document)
        return
    for document in yaml_documents(text):
        yield from leaves(document)
    for line in text.splitlines():
        name, _, value = line.partition(":") if re.match(r"[\s\"'\w.-]*:", line) else line.partition("=")
        name, value = name.strip().removeprefix("- ").removeprefix("export ").strip(" \t\"'"), value.strip()
        # Text after " #" may be a comment or part of the password: yield both forms.
        yield from ((name, candidate.strip("\"'")) for candidate in {value, value.partition(" #")[0].rstrip()})


def yaml_documents(text: str) -> list[object]:
    """Return the mappings and lists of a YAML text, none if it is not YAML. A key or a certificate is not parsed."""
    if ":" not in text or len(text) > _LONGEST_YAML or text.lstrip().startswith("-----BEGIN"):
        return []
    from fluxdoctor.intake import documents

    parsed = safely(documents.parse, text)
    return [d.body for d in parsed.documents if isinstance(d.body, Mapping | list)] if parsed else []


def leaves(value: object) -> Iterator[tuple[str, str]]:
    """Yield the texts and numbers of a structure with the names of their fields. Any depth and YAML aliases are safe."""
    pending: list[tuple[str, object]] = [("", value)]
    visited: set[int] = set()
    while pending:
        name, node = pending.pop()
        if isinstance(node, Mapping | list | tuple) and id(node) not in visited:
            visited.add(id(node))
            items = node.items() if isinstance(node, Mapping) else ((name, item) for item in node)
            pending.extend((as_text(key), item) for key, item in items)
        elif isinstance(node, str | int | float) and not isinstance(node, bool):
            yield name, as_text(node)


def as_text(value: object) -> str:
    """Return a key or a number as text, "" if it cannot be converted."""
    return safely(str, value) or ""  # Python refuses to convert numbers of thousands of digits


def json_document(text: str) -> Any:
    """Return the object or list of a JSON text, or None."""
    return safely(json.loads, text) if text.lstrip().startswith(("{", "[")) else None
