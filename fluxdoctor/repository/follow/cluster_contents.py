"""What one cluster gets, and what the repository cannot tell of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.model.tree import Tree
from fluxdoctor.repository.follow.discovery import EntryPoint


class Fault(NamedTuple):
    """Why variables cannot be replaced. ``strict``: only where a variable without a value is an error."""

    message: str
    strict: bool


@dataclass
class ClusterContents:
    """What one cluster would get, and what the repository cannot tell of it."""

    entry: EntryPoint
    objects: dict[Ref, Resource] = field(default_factory=dict)
    owners: dict[Ref, list[Ref]] = field(default_factory=dict)
    variants: dict[Ref, dict[Ref, Resource]] = field(default_factory=dict)
    """Each object as each Kustomization applies it."""
    trees: dict[Ref, Tree] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    foreign: set[Ref] = field(default_factory=set)
    """Kustomizations whose source is not in this repository."""
    partial: set[Ref] = field(default_factory=set)
    """Kustomizations of whose objects some are not known."""
    folders: set[str] = field(default_factory=set)
    """The folders that are built."""
    places: dict[str, str] = field(default_factory=dict)
    """Where the files of derived artifacts stand in the source."""
    stopped: dict[Ref, str] = field(default_factory=dict)
    """Why a build was not let come to its end."""
    failed: set[Ref] = field(default_factory=set)
    """Kustomizations whose build fails."""
    raw: set[Ref] = field(default_factory=set)
    """Objects as they are written, because their build failed, or was not made and would change them."""
    unbuilt: set[Ref] = field(default_factory=set)
    """Kustomizations that were not built, though a build may give their objects other names."""
    faults: dict[Ref, tuple[Fault, ...]] = field(default_factory=dict)
    """Why the variables of Kustomizations cannot be replaced."""
    lost: set[str] = field(default_factory=set)
    """The names of objects in files that cannot be read."""
