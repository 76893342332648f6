"""One document of a build: read once, however many Kustomizations, clusters and runs it is for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from fluxdoctor.intake import documents, objects
from fluxdoctor.model.resource import Fields, Ref
from fluxdoctor.repository.build.origins import Header
from fluxdoctor.repository.build.substitute import Variables, apply
from fluxdoctor.repository.files.texts import Bodies, bodies

Objects: TypeAlias = tuple[tuple[Ref, dict[str, Any]], ...]

#: kustomize writes a mapping's fields in a block, two spaces in, and the texts in them further in.
_KIND = re.compile(r"^kind: (.+)$", re.M)
_METADATA = re.compile(r"^metadata:\n((?:(?:  .*)?\n?)+)", re.M)
_FIELD = r"^  %s: (.+)$"
_NAME, _NAMESPACE = (re.compile(_FIELD % name, re.M) for name in ("name", "namespace"))


class BuiltDocument:
    """A document as kustomize wrote it: its text, or only its body where no variable can be in it."""

    __slots__ = ("_header", "_known", "_last", "_whole", "body", "parse", "text")

    def __init__(self, text: str = "", body: dict[str, Any] | None = None) -> None:
        """``body``: of a document that was read before."""
        self.text = text
        self.body = body
        self.parse: Callable[[str], Bodies] = bodies
        """Reads a text; another one may know it from an earlier run."""
        self._header: Header | None = None
        self._last: tuple[Variables, Bodies] | None = None
        self._whole: Bodies = () if body is None else (body,)
        self._known: dict[int, tuple[Bodies, Objects]] = {}

    def objects(self, variables: Variables) -> Objects:
        """Return the objects of it with their identities, without a Secret's values. Never change one: they are shared."""
        bodies = self.read(variables)  # the same for all whose variables come to the same text
        if id(bodies) not in self._known:
            held = ((objects.ref_of(body), body) for body in bodies)
            seen = tuple((ref, objects.visible(body)) for ref, body in held if ref is not None)
            self._known[id(bodies)] = bodies, seen
        return self._known[id(bodies)][1]

    def read(self, variables: Variables) -> Bodies:
        """Return the documents of it, the variables replaced; () where that leaves no YAML. Never change one: it is shared."""
        if self.body is not None:
            return self._whole
        last = self._last
        if last is None or last[0] is not variables:  # those who look for faults ask before those who take the objects
            last = self._last = variables, self.parse(apply(self.text, variables))
        return last[1]

    def flaw(self, variables: Variables) -> str:
        """Return why the document is no YAML with these variables, "" where it is."""
        error = documents.parse(apply(self.text, variables)).error
        return error.problem if error else ""

    @property
    def header(self) -> Header:
        """What the object calls itself, before its variables are replaced."""
        if self._header is None:
            self._header = self._read_header()
        return self._header

    def _read_header(self) -> Header:
        if self.body is not None:
            view = Fields(self.body)
            return Header(view.text("kind"), view.text("metadata.namespace"), view.text("metadata.name"))
        metadata = _METADATA.search(self.text)
        inside = metadata[1] if metadata else ""
        return Header(_said(_KIND, self.text), _said(_NAMESPACE, inside), _said(_NAME, inside))

    def kept(self) -> dict[str, Any] | str | None:
        """Return what may be kept of it: a body without the values of a Secret, a text, or None for neither."""
        if self.body is not None:
            return self.body
        bodies = self.read(Variables())
        if "ecret" in self.text and any(map(objects.holds_secret_inside, bodies)):
            return None
        safe: list[dict[str, Any]] = [objects.without_values(b) for b in bodies]
        if "${" in self.text or len(bodies) != 1:
            return self.text if all(s is b for s, b in zip(safe, bodies, strict=True)) else None
        return safe[0]

    @staticmethod
    def load(held: dict[str, Any] | str) -> BuiltDocument:
        """Return what was kept."""
        return BuiltDocument(held) if isinstance(held, str) else BuiltDocument(body=held)


def _said(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1].strip("\"'") if found else ""
