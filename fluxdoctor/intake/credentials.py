"""Remembers every credential that this process sends or reads, so that no answer of a server can make it print one.

A server, a proxy or a plug-in may repeat what it was sent, in any encoding. What these say passes ``redacted`` before it
becomes an error, a gap or a probe; reports and saved snapshots pass it once more on their way out.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from fluxdoctor.intake.redact import Redactor

_T = TypeVar("_T")

_SHORTEST: Final = 4  # a shorter text is part of any other
_WORD: Final = 8  # a shorter text is masked only as a whole word
_MOST: Final = 20_000  # a server for agents reads clusters for months: the oldest are let go


class Credentials:
    """A set of credentials that only grows up to a limit, and the redactor for them. Safe to use from threads."""

    def __init__(self) -> None:
        """Start without a credential."""
        self._texts: dict[str, None] = {}
        self._lock = threading.Lock()
        self._redactor: Redactor | None = None

    def remember(self, texts: Iterable[str]) -> None:
        """Remember credentials, and the longer lines of those that have several."""
        new = [text for text in map(str.strip, texts) if _is_distinct(text)]
        with self._lock:
            if all(text in self._texts for text in new):
                return
            self._texts |= dict.fromkeys(new)
            while len(self._texts) > _MOST:
                del self._texts[next(iter(self._texts))]
            self._redactor = None

    @property
    def redactor(self) -> Redactor:
        """The redactor for the credentials so far, which also masks what looks like one."""
        with self._lock:
            if self._redactor is None:
                long = [text for text in self._texts if len(text) >= _WORD]
                self._redactor = Redactor(long, [text for text in self._texts if len(text) < _WORD])
            return self._redactor


def _is_distinct(text: str) -> bool:
    """Tell whether a text is long or odd enough: ``admin`` and ``wrong`` are passwords, but words of any report too."""
    is_odd = any(char.isdigit() for char in text) and any(char.isalpha() for char in text)
    return len(text) >= _WORD or (len(text) >= _SHORTEST and is_odd)


#: The credentials of this process.
_OURS: Final = Credentials()


def remember(*texts: str) -> None:
    """Remember credentials that this process sends or reads."""
    _OURS.remember(texts)


def remember_login(username: str, password: str) -> None:
    """Remember a password, and the pair that the header of basic authentication has in base64."""
    if password:
        _OURS.remember((password, f"{username}:{password}"))


def redacted(text: str) -> str:
    """Return a text without the remembered credentials, and without what looks like one."""
    return _OURS.redactor.text(text)


def redacted_parts(value: _T) -> _T:
    """Return a frozen dataclass, a collection or a text with ``redacted`` texts; the same object if nothing changes.

    Identities of objects stay as they are: names are public.
    """
    return _parts(value, _OURS.redactor)  # type: ignore[no-any-return]


def _parts(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, str):
        return redactor.body(value) if type(value) is str else value  # a member of an enumeration has no secret
    if isinstance(value, tuple | list):
        if type(value) not in (tuple, list):  # a named tuple is the identity of something
            return value
        items = [_parts(item, redactor) for item in value]
        return type(value)(items) if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if isinstance(value, Mapping):
        changed = {key: new for key, item in value.items() if (new := _parts(item, redactor)) is not item}
        return {**value, **changed} if changed else value
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and type(value).__name__ not in _IDENTITIES:
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init and f.name not in _PUBLIC}
        new_fields = {name: new for name, item in fields.items() if (new := _parts(item, redactor)) is not item}
        return dataclasses.replace(value, **new_fields) if new_fields else value
    return value


#: Fields with words of the rules, and with the name of the snapshot.
_PUBLIC: Final = frozenset(
    ("rule", "faults", "summary", "mode", "url", "field", "severity", "confidence", "kind", "name")
)
#: Types that name an object or a rule.
_IDENTITIES: Final = frozenset(("Ref", "Location", "KindScope"))
