"""The forms in which a secret value can stand in a text: as it is, escaped, and encoded alone or with what is around it."""

from __future__ import annotations

import base64
import html
import json
import string
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, quote_plus

BASE64: Final = string.ascii_letters + string.digits + "+/-_="
HEX: Final = string.hexdigits
_SHORTEST_PART: Final = 8  # a shorter part of base64 may be in a word by chance
_SHORTEST_HEX: Final = 12
_LONGEST_URL: Final = 1 << 16


def encoded_forms(value: str) -> dict[str, str]:
    """Return the forms of a value, each with the alphabet of the word that it is a part of ("": it stands for itself).

    Base64 of a text that contains the value, such as ``user:password`` or a docker config, contains one of three forms
    of the value, by the number of bytes before it.
    """
    raw = value.encode("utf-8", "surrogatepass")
    forms = dict.fromkeys(_escaped_forms(value, raw), "")
    if len(raw) * 2 >= _SHORTEST_HEX:
        forms |= dict.fromkeys((raw.hex(), raw.hex().upper()), HEX)
    encoded = base64.b64encode(raw).decode()
    forms |= dict.fromkeys((encoded.rstrip("="), encoded.rstrip("=").translate(_URL_SAFE)), "")
    forms |= dict.fromkeys((encoded, encoded.translate(_URL_SAFE)), "")
    for part in _inner_parts(raw):
        if len(part) >= _SHORTEST_PART:
            forms |= dict.fromkeys((part, part.translate(_URL_SAFE)), BASE64)
    return {form: alphabet for form, alphabet in forms.items() if form}


_URL_SAFE: Final = str.maketrans("+/", "-_")


def _escaped_forms(value: str, raw: bytes) -> Iterator[str]:
    plain = json.dumps(value, ensure_ascii=False)[1:-1]
    yield from (value, plain, json.dumps(value)[1:-1])
    if plain != value or any(char in value for char in "<>&'"):
        go = plain.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
        yield from (go, html.escape(value), html.escape(value, quote=False), value.replace("'", "''"))
        yield json.dumps(plain, ensure_ascii=False)[1:-1]
    if len(raw) <= _LONGEST_URL:
        yield from (quote(raw, safe=""), quote(raw), quote_plus(raw))
        yield quote(raw, safe="-._~!$&'()*+,;=:@")


def _inner_parts(raw: bytes) -> Iterator[str]:
    """Yield the digits of base64 that depend on nothing but the value, if 0, 1 or 2 bytes are before it in a group of three."""
    for before in range(3):
        digits = base64.b64encode(bytes(before) + raw).decode()
        yield digits[-(-8 * before // 6) : 8 * (before + len(raw)) // 6]
