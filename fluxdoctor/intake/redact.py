"""Removes secrets from text: values that are known to be secret, and text that looks like a credential.

Known values are found in all their encodings by their first characters, so that one pass over a text finds any number of
values. Credentials are found by their look: headers and users of URLs here, parameters of URLs and webhooks in ``urls``,
values behind a name in ``named_values``, tokens with a prefix in ``token_shapes``. All of these read any text in linear time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fluxdoctor.intake import named_values, urls
from fluxdoctor.intake.encodings import encoded_forms
from fluxdoctor.intake.token_shapes import mask_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK: Final = "[redacted]"

_HEAD: Final = 8
_FEW: Final = 200
_WIDEST: Final = 64 << 10  # characters of one word in base64
_SHORT: Final = 200
_SHORTEST: Final = 6  # characters; nothing shorter is masked by its look
_MOST_KNOWN: Final = 100_000
# PyYAML counts all of these as line breaks, and the marks come from PyYAML.
_BREAKS: Final = re.compile("[^\r\n\x85\u2028\u2029]+")

# The part of a URL before the host. A password may contain "@", so the last "@" ends it.
_USER: Final = r"[^\s/?#\"<>]"
# A token is long or has a digit, unlike the prose "Bearer token" and Bearer realm="...".
_OPAQUE: Final = r"(?:[\w.~+/-]{20,}+|(?=[a-zA-Z_.~+/-]*\d)[\w.~+/-]{6,}+)=*+(?!\")"
# Every alternative starts with a plain letter, so the regex engine can skip text where none starts. Each is bounded
# or starts at most once in a run of characters, so the time is linear. The part of a match before a named group says
# which kind of secret it is and stays in the text.
_PATTERNS: Final = re.compile(
    rf"""
    -----BEGIN\ [A-Z0-9 ]{{0,64}}PRIVATE\ KEY(?:\ BLOCK)?-----
        .*?(?:-----END\ [A-Z0-9 ]{{0,64}}PRIVATE\ KEY(?:\ BLOCK)?-----|\Z)
  | ://(?P<user>
        (?<!ssh://){_USER}+                                        # a user without a password may be a token in https
      | [^\s/?#\"<>@:]*:{_USER}+                                   # a user without a password is public in ssh
      | [^\s/?#\"<>@:\[]+:(?!\d{{1,5}}(?:[/?#\s\"]|\Z))[^\s\"@]{{1,256}}  # a password with a slash, not a port
    )(?=@)
  | Authorization[\"']?\s{{0,4}}[:=]\s{{0,4}}[\[\"']{{0,2}}+
        (?:(?i:basic|bearer|digest|negotiate|token)\ {{1,4}})?+(?P<header>(?!redacted\])(?!\[redacted\])[^\s\"',\]]+)
    # In lower case it may be prose; only the name of a scheme makes it a header.
  | authorization[\"']?\s{{0,4}}[:=]\s{{0,4}}[\[\"']{{0,2}}+
        (?i:basic|bearer|token)\ {{1,4}}(?P<lower>(?!\[redacted\])[^\s\"',\]]+)
  | B(?:earer|asic)\ {{1,4}}(?P<scheme>{_OPAQUE})
  | b(?:earer|asic)\ {{1,4}}(?P<small>{_OPAQUE})
    """,
    re.VERBOSE | re.DOTALL,
)


#: A long word of letters and digits, as no name has it. A part of a path, of a host or of a name with hyphens is none.
_OPAQUE_WORD: Final = re.compile(
    r"(?<![\w./:@+-])(?=[A-Za-z_+]{0,64}\d)(?=[\d_+]{0,64}[A-Za-z])[\w+]{12,}+=*+(?![/@-])"
)


class Redactor:
    """Masks secret values, and everything that looks like a credential, in text and in JSON-like objects."""

    def __init__(self, values: Iterable[str] = (), words: Iterable[str] = ()) -> None:
        """``words``: short values, masked only as whole words because they are part of many other words."""
        # By length of the first characters (head), then by head: the forms that start with it, longest first.
        self._heads: dict[int, dict[str, list[str]]] = {}
        forms: dict[str, str] = {}
        for value in values:
            if value.strip() and value not in MASK:
                forms |= encoded_forms(value)
        for form in sorted(forms, key=len, reverse=True):
            width = min(len(form), _HEAD)
            self._heads.setdefault(width, {}).setdefault(form[:width], []).append(form)
        self._alphabets = forms
        heads = [head for by_head in self._heads.values() for head in by_head]
        self._few_heads = heads if len(heads) <= _FEW else []
        alternatives = "|".join(sorted(map(re.escape, set(words))))
        self._words = re.compile(rf"(?<![^\W_])(?:{alternatives})(?![^\W_])") if alternatives else None
        # Most strings of a fleet occur thousands of times: kinds, reasons, names of fields.
        self._cache: dict[str, str] = {}

    def text(self, text: str) -> str:
        """Return the text with secrets replaced by ``[redacted]``. The user of an ssh address stays."""
        # Known values first: a pattern that matches inside a value would leave the rest of it.
        text_without_values = _mask_spans(text, self._secret_spans(text)) if self._may_have_value(text) else text
        text_without_values = self._words.sub(MASK, text_without_values) if self._words else text_without_values
        masked = mask_credentials(text_without_values)
        # A mask can join a user and a host. The second pass makes the result stable: masking it again changes nothing.
        return mask_credentials(masked) if masked != text_without_values else masked

    def body(self, body: object) -> object:
        """Return the structure with every string redacted except keys; the same object if nothing changed."""
        if isinstance(body, str):
            return self._mask_cached(body) if len(body) <= _SHORT else self._mask(body)
        if isinstance(body, dict):
            # A loop, not a comprehension: a deep object then needs only one frame for each level.
            changed: dict[object, object] = {}
            for key, value in body.items():
                if (new := self.body(value)) is not value:
                    changed[key] = new
            return {**body, **changed} if changed else body
        if isinstance(body, list):
            items: list[object] = []
            for value in body:
                items.append(self.body(value))
            return items if any(new is not old for new, old in zip(items, body, strict=True)) else body
        return body

    def _mask(self, text: str) -> str:
        masked = self.text(text)
        return text if masked == text else masked

    def _mask_cached(self, text: str) -> str:
        masked = self._cache.get(text)
        if masked is None:
            masked = self._mask(text)
            if len(self._cache) < _MOST_KNOWN:
                self._cache[text] = masked
        return text if masked == text else masked

    def _may_have_value(self, text: str) -> bool:
        """Tell whether a text may have a known value: quick if few are known, and always true if many are."""
        for head in self._few_heads:
            if head in text:
                return True
        return bool(self._heads) and not self._few_heads

    def _secret_spans(self, text: str) -> Iterator[tuple[int, int]]:
        for width, heads in self._heads.items():
            for start in [i for i in range(len(text) - width + 1) if text[i : i + width] in heads]:
                for form in heads[text[start : start + width]]:
                    if text.startswith(form, start):
                        yield _widened(text, start, start + len(form), self._alphabets[form])
                        break


def mask_spans(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Replace each span of characters by ``[redacted]`` and its own line breaks. Line numbers do not change."""
    inside = ((max(start, 0), min(end, len(text))) for start, end in spans)
    return _mask_spans(text, (span for span in inside if span[0] < span[1]), lines=True)


def mask_opaque(text: str) -> str:
    """Return the text of a program that holds credentials: any word that may be one is masked, but not a UUID or a host."""
    return _OPAQUE_WORD.sub(MASK, text)


def mask_lines(text: str) -> str:
    """Return the text without everything that looks like a credential. Line numbers do not change."""
    masked = mask_credentials(text)
    if masked.count("\n") == text.count("\n"):
        return masked
    keys = [
        match.span() for match in _PATTERNS.finditer(text) if not match.lastgroup
    ]  # private keys have several lines
    return mask_credentials(mask_spans(text, keys))


def _mask_match(match: re.Match[str]) -> str:
    return match[0][: match.start(match.lastgroup) - match.start()] + MASK if match.lastgroup else MASK


def _mask_spans(text: str, spans: Iterable[tuple[int, int]], *, lines: bool = False) -> str:
    parts: list[str] = []
    done = 0
    for start, end in _merge_spans(spans):
        breaks = _BREAKS.sub("", text[start:end]) if lines else ""
        parts += text[done:start], MASK, breaks
        done = end
    return "".join((*parts, text[done:])) if parts else text


def _merge_spans(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the spans in order, with overlapping spans merged, so that no part of a value remains."""
    begin = end = 0
    for start, stop in sorted(spans):
        if start >= end:
            if end:
                yield begin, end
            begin, end = start, stop
        end = max(end, stop)
    if end:
        yield begin, end


def mask_credentials(text: str) -> str:
    """Return the text without everything that looks like a credential."""
    if len(text) < _SHORTEST:
        return text
    text = _PATTERNS.sub(_mask_match, text)
    if urls.may_have_credentials(text):
        text = _mask_spans(text, urls.credential_spans(text))
    if named_values.may_have_values(text):
        text = _mask_spans(text, named_values.value_spans(text))
    return mask_tokens(text, MASK)


def _widened(text: str, start: int, end: int, alphabet: str) -> tuple[int, int]:
    """Return the span of the whole word of base64 or hexadecimal digits around a span, up to a limit on each side.

    A value that is encoded together with its user, or inside a document, is only a part of the word.
    """
    if not alphabet:
        return start, end
    lowest, highest = max(0, start - _WIDEST), min(len(text), end + _WIDEST)
    while start > lowest and text[start - 1] in alphabet:
        start -= 1
    while end < highest and text[end] in alphabet:
        end += 1
    return start, end
