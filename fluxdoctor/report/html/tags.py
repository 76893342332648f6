"""Builds HTML in which no text can be markup: everything that ``tag`` did not create is escaped."""

from __future__ import annotations

from html import escape

from fluxdoctor.report.plain import COMMAND, plain

_VOID = frozenset(("meta", "input"))


class Markup(str):
    """HTML that needs no escaping."""

    __slots__ = ()


def text(value: str) -> Markup:
    """Return text escaped for HTML: markup, control and direction characters are visible and have no effect."""
    return value if isinstance(value, Markup) else Markup(COMMAND.sub(r"\1&#58;", escape(plain(value))))


def join(*parts: str) -> Markup:
    """Return the parts as one piece of HTML."""
    return Markup("".join(map(text, parts)))


def tag(name: str, /, *content: str, **attributes: str | int | bool) -> Markup:
    """Return an element. ``class_`` and ``data_rule`` become ``class`` and ``data-rule``; False omits an attribute."""
    pairs = "".join(
        f" {key}" if value is True else f' {key}="{text(str(value))}"'
        for key, value in ((k.rstrip("_").replace("_", "-"), v) for k, v in attributes.items())
        if value is not False
    )
    return Markup(f"<{name}{pairs}>" if name in _VOID else f"<{name}{pairs}>{join(*content)}</{name}>")
