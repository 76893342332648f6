"""One document of a build: read once, however many Kustomizations, clusters and runs it is for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from fluxdoctor.collect import documents, objects
from fluxdoctor.collect.worktree.substitute import Variables, apply
from fluxdoctor.model.resource import Fields

_ORIGIN = "config.kubernetes.io/origin"


class Built:
    """A document as kustomize wrote it: its text, or only its body where no variable can be in it."""

    __slots__ = ("_read", "body", "text")

    def __init__(self, text: str = "", body: dict[str, Any] | None = None) -> None:
        """``body``: of a document that was read before."""
        self.text = text
        self.body = body
        self._read: dict[str, tuple[dict[str, Any], ...]] = {}

    def read(self, variables: Variables) -> tuple[dict[str, Any], ...]:
        """Return the objects of it, the variables replaced; () where that leaves no YAML. Never change one: it is shared."""
        if self.body is not None:
            return (self.body,)
        text = apply(self.text, variables)
        if text not in self._read:
            self._read[text] = tuple(d.body for d in documents.parse(text).documents if isinstance(d.body, dict))
        return self._read[text]

    def kept(self) -> dict[str, Any] | str | None:
        """Return what may be kept of it: a body without the values of a Secret, a text, or None for neither."""
        if self.body is not None:
            return self.body
        bodies = self.read(Variables())
        if "$" in self.text:
            return None if "ecret" in self.text and any(map(objects.holds_values, bodies)) else self.text
        if len(bodies) != 1 or ("ecret" in self.text and objects.holds_secret_inside(bodies[0])):
            return None
        safe = objects.without_values(bodies[0])
        return safe if safe is bodies[0] else _with_origin(safe, bodies[0])

    @staticmethod
    def load(held: dict[str, Any] | str) -> Built:
        """Return what was kept."""
        return Built(held) if isinstance(held, str) else Built(body=held)


def origin(body: Mapping[str, Any]) -> tuple[dict[str, Any], Fields]:
    """Return an object without kustomize's annotation of where it comes from, and what that said."""
    metadata = body.get("metadata")
    notes = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(notes, dict) or _ORIGIN not in notes:
        return dict(body), Fields()
    left = {k: v for k, v in notes.items() if k != _ORIGIN}
    kept = {k: v for k, v in metadata.items() if k != "annotations"} | ({"annotations": left} if left else {})
    return {**body, "metadata": kept}, _said(str(notes[_ORIGIN]))


@lru_cache(4096)
def _said(text: str) -> Fields:
    said = documents.parse(text).documents
    return Fields(said[0].body) if said else Fields()


def _with_origin(safe: dict[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    where = Fields(body).text(("metadata", "annotations", _ORIGIN))
    metadata = Fields(safe).fields("metadata").body
    notes = {**(metadata.get("annotations") or {}), **({_ORIGIN: where} if where else {})}
    return {**safe, "metadata": {**metadata, "annotations": notes}}
