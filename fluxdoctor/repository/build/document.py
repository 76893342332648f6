"""One document of a build, parsed once for all Kustomizations, clusters and runs that have it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from fluxdoctor.intake import documents, objects, secret_places
from fluxdoctor.model.resource import Fields, Ref
from fluxdoctor.repository.build.origins import Header
from fluxdoctor.repository.build.substitute import Variables, apply
from fluxdoctor.repository.files.texts import Bodies, bodies

Objects: TypeAlias = tuple[tuple[Ref, dict[str, Any]], ...]

#: kustomize writes the fields of a mapping as a block, indented by two spaces, and the texts in them deeper.
_KIND = re.compile(r"^kind: (.+)$", re.M)
_METADATA = re.compile(r"^metadata:\n((?:(?:  .*)?\n?)+)", re.M)
_FIELD = r"^  %s: (.+)$"
_NAME, _NAMESPACE = (re.compile(_FIELD % name, re.M) for name in ("name", "namespace"))


class BuiltDocument:
    """A document as kustomize wrote it: its text, or only its body if it cannot contain a variable."""

    __slots__ = ("_bodies", "_header", "_last_read", "_objects", "body", "parse", "text")

    def __init__(self, text: str = "", body: dict[str, Any] | None = None) -> None:
        """``body``: the parsed content of a document from the cache, instead of a text."""
        self.text = text
        self.body = body
        self.parse: Callable[[str], Bodies] = bodies
        """Parses a text. The build cache sets a parser that may have the result from an earlier run."""
        self._header: Header | None = None
        self._last_read: tuple[Variables, Bodies] | None = None
        self._bodies: Bodies = () if body is None else (body,)
        self._objects: dict[int, tuple[Bodies, Objects]] = {}

    def objects(self, variables: Variables) -> Objects:
        """Return the objects with their identities, without the values of Secrets. They are shared: do not change them."""
        bodies = self.read(variables)  # the same object for all variables that give the same text
        if id(bodies) not in self._objects:
            pairs = ((objects.ref_of(body), body) for body in bodies)
            show = objects.visible if self._may_hold_values() else lambda body: body
            visible = tuple((ref, show(body)) for ref, body in pairs if ref is not None)
            self._objects[id(bodies)] = bodies, visible
        return self._objects[id(bodies)][1]

    def _may_hold_values(self) -> bool:
        if self.body is not None:  # from the cache, so nothing but a Secret is left to convert
            return objects.is_secret(self.body)
        return "${" in self.text or secret_places.may_hold_values(self.text.encode("utf-8", "surrogatepass"))

    def read(self, variables: Variables) -> Bodies:
        """Return the parsed content after substitution; () if that is not YAML. It is shared: do not change it."""
        if self.body is not None:
            return self._bodies
        last = self._last_read
        if (
            last is None or last[0] is not variables
        ):  # the search for faults and then the objects use the same variables
            last = self._last_read = variables, self.parse(apply(self.text, variables))
        return last[1]

    def flaw(self, variables: Variables) -> str:
        """Return why the document is not YAML after substitution, or ""."""
        error = documents.parse(apply(self.text, variables)).error
        return error.problem if error else ""

    @property
    def header(self) -> Header:
        """The kind, namespace and name of the object, before substitution."""
        if self._header is None:
            self._header = self._read_header()
        return self._header

    def _read_header(self) -> Header:
        if self.body is not None:
            view = Fields(self.body)
            return Header(view.text("kind"), view.text("metadata.namespace"), view.text("metadata.name"))
        metadata = _METADATA.search(self.text)
        inside = metadata[1] if metadata else ""
        return Header(_match(_KIND, self.text), _match(_NAMESPACE, inside), _match(_NAME, inside))

    def to_cache(self) -> dict[str, Any] | str | None:
        """Return what may be cached: a body without the values of Secrets, the text, or None if neither is safe."""
        if self.body is not None:
            return self.body
        bodies = self.read(Variables())
        if self._may_hold_values() and any(map(objects.holds_secret_inside, bodies)):
            return None
        safe: list[dict[str, Any]] = [objects.without_values(b) for b in bodies]
        if "${" in self.text or len(bodies) != 1:
            return self.text if all(s is b for s, b in zip(safe, bodies, strict=True)) else None
        return safe[0]

    @staticmethod
    def from_cache(entry: dict[str, Any] | str) -> BuiltDocument:
        """Return the document that ``to_cache`` gave this entry for."""
        return BuiltDocument(entry) if isinstance(entry, str) else BuiltDocument(body=entry)


def _match(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1].strip("\"'") if match else ""
