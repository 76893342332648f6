"""What a change to a repository takes away from the Kustomizations that prune."""

from __future__ import annotations

from dataclasses import dataclass

from fluxdoctor.model.resource import Location, Ref


@dataclass(frozen=True, slots=True)
class Removal:
    """An object that its Kustomization will prune: it is not declared any more, or the Kustomization itself goes."""

    object: Ref
    owner: Ref
    heirs: tuple[Ref, ...] = ()
    """The Kustomizations that declare it after the change."""
    owner_gone: bool = False
    successor: Ref | None = None
    """Where the owner goes: the new Kustomization that reads the same path of the same source."""
    location: Location | None = None
    """Where a person would look after the change: the object's file, or what applies it."""


@dataclass(frozen=True)
class Removals:
    """The removals of a cluster, against a revision before the change, sorted by object."""

    found: tuple[Removal, ...] = ()
