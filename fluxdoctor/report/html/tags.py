"""HTML in which no text can be markup: what is not made by ``tag`` is escaped."""

from __future__ import annotations

from html import escape

from fluxdoctor.report.plain import COMMAND, plain

_VOID = frozenset(("meta", "input"))


class Markup(str):
    """HTML that is safe as it stands."""

    __slots__ = ()


def text(said: str) -> Markup:
    """Return text as HTML shows it: markup, control and direction characters are visible and do nothing."""
    return said if isinstance(said, Markup) else Markup(COMMAND.sub(r"\1&#58;", escape(plain(said))))


def join(*parts: str) -> Markup:
    """Return one piece of HTML of several."""
    return Markup("".join(map(text, parts)))


def tag(name: str, /, *inside: str, **attributes: str | int | bool) -> Markup:
    """Return an element. ``class_`` and ``data_rule`` are written ``class`` and ``data-rule``; False leaves one out."""
    said = "".join(
        f" {key}" if value is True else f' {key}="{text(str(value))}"'
        for key, value in ((k.rstrip("_").replace("_", "-"), v) for k, v in attributes.items())
        if value is not False
    )
    return Markup(f"<{name}{said}>" if name in _VOID else f"<{name}{said}>{join(*inside)}</{name}>")
