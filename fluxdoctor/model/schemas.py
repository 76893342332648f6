"""The violations of the schemas of Flux kinds in declared objects."""

from __future__ import annotations

from dataclasses import dataclass

from fluxdoctor.model.resource import Ref


@dataclass(frozen=True, slots=True)
class SchemaFlaw:
    """A field that the API server would reject: its object, the owner that applies the object, the path and the reason."""

    object: Ref
    owner: Ref
    path: tuple[str | int, ...]
    why: str


@dataclass(frozen=True)
class Schemas:
    """The flaws of a snapshot's declared objects, sorted by object and field."""

    flaws: tuple[SchemaFlaw, ...] = ()
