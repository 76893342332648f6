"""Objects that several Kustomizations of a repository declare."""

from __future__ import annotations

from dataclasses import dataclass

from fluxdoctor.model.resource import Ref


@dataclass(frozen=True, slots=True)
class Overlap:
    """An object, the Kustomizations that apply it, and the fields in which their versions differ; None if those are unknown."""

    object: Ref
    owners: tuple[Ref, ...]
    differs: tuple[str, ...] | None = ()


@dataclass(frozen=True)
class Overlaps:
    """The overlaps of a cluster's declared objects, sorted by object."""

    found: tuple[Overlap, ...] = ()
