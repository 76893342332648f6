"""The objects that Kustomizations will prune because of a change to a repository."""

from __future__ import annotations

from dataclasses import dataclass

from fluxdoctor.model.resource import Location, Ref


@dataclass(frozen=True, slots=True)
class Removal:
    """An object that its Kustomization will prune: it is not declared any more, or the Kustomization itself is removed."""

    object: Ref
    owner: Ref
    heirs: tuple[Ref, ...] = ()
    """The Kustomizations that declare it after the change."""
    owner_gone: bool = False
    """The Kustomization itself is removed."""
    successor: Ref | None = None
    """The new Kustomization that reads the same path of the same source as a removed owner."""
    location: Location | None = None
    """Where to look after the change: the object's file, or what applies it."""


@dataclass(frozen=True)
class Removals:
    """The removals of a cluster, compared with a revision before the change, sorted by object."""

    found: tuple[Removal, ...] = ()
