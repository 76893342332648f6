"""The entries of a Secret as written, and total readers of what stands in them."""

from __future__ import annotations

import binascii
import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

_In = TypeVar("_In")


_Out = TypeVar("_Out")


SOPS: Final = "ENC[AES256_GCM,"


def mapping(value: object) -> Mapping[Any, Any]:
    """Return a mapping, empty if the value is none."""
    return value if isinstance(value, Mapping) else {}


def safely(read: Callable[[_In], _Out], value: _In) -> _Out | None:
    """Return what a reader makes of a value, or None if it raises anything."""
    try:
        with warnings.catch_warnings():  # what a library thinks of a value is a word about the value
            warnings.simplefilter("ignore")
            return read(value)
    except Exception:  # noqa: BLE001 - anything can stand in a Secret: of what a parser cannot read there are no facts
        return None


def raw_entries(body: Mapping[Any, Any]) -> Iterator[tuple[str, object, bool]]:
    """Yield each key, its value as written and whether that is base64: stringData wins, as in the API server."""
    plain, data = mapping(body.get("stringData")), mapping(body.get("data"))
    yield from ((as_text(key), raw, True) for key, raw in data.items() if key not in plain)
    yield from ((as_text(key), raw, False) for key, raw in plain.items())


def decoded(raw: object, base64: bool) -> bytes | None:
    """Return the bytes of a value as written, or None when it is no base64, or not even a string."""
    if raw is None or not isinstance(raw, str):
        return b"" if raw is None else None
    if not base64:
        return raw.encode("utf-8", "surrogatepass")
    # The API server takes line breaks in base64, and nothing else.
    packed = re.sub(r"[\r\n]", "", raw)
    try:
        # Strict as it says it is, it does not count the padding.
        return binascii.a2b_base64(packed, strict_mode=True) if len(packed) % 4 == 0 else None
    except ValueError:
        return None


def readable_text(value: bytes | None) -> str | None:
    """Return bytes as text, or None if they are not UTF-8 or hold control characters."""
    try:
        text = (value or b"").decode()
    except UnicodeDecodeError:
        return None
    return None if value is None or re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text) else text


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of the fields of a JSON text, or of the ``name: text`` and ``name=text`` lines."""
    if (document := json_document(text)) is not None:
        yield from leaves(document)
        return
    for line in text.splitlines():
        name, _, value = line.partition(":") if re.match(r"[\s\"'\w.-]*:", line) else line.partition("=")
        name, value = name.strip().removeprefix("- ").strip(" \t\"'"), value.strip()
        # What follows a # may be a comment or part of a password.
        yield from ((name, candidate.strip("\"'")) for candidate in {value, value.partition(" #")[0].rstrip()})


def leaves(value: object) -> Iterator[tuple[str, str]]:
    """Yield the texts and numbers of a structure with the names of their fields; neither depth nor aliases of YAML hurt."""
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
    """Return a key or a number as text, "" if it cannot be written."""
    return safely(str, value) or ""  # Python refuses to write numbers of thousands of digits


def json_document(text: str) -> Any:
    """Return the object or list that a text is in JSON, or None."""
    return safely(json.loads, text) if text.lstrip().startswith(("{", "[")) else None
