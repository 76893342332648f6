"""What one cluster gets, and what of it is unknown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from fluxdoctor.model.gaps import Gap
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.model.tree import Tree
from fluxdoctor.repository.follow.discovery import EntryPoint


class SubstitutionFault(NamedTuple):
    """Why variables cannot be replaced. ``is_strict``: a fault only if a variable without a value is an error."""

    message: str
    is_strict: bool


@dataclass
class ClusterContents:
    """The objects of one cluster and the files they come from, and what the repository does not tell of them."""

    entry: EntryPoint
    objects: dict[Ref, Resource] = field(default_factory=dict)
    """The objects, each as the last Kustomization applies it."""
    owners: dict[Ref, list[Ref]] = field(default_factory=dict)
    """The Kustomizations that apply an object."""
    variants: dict[Ref, dict[Ref, Resource]] = field(default_factory=dict)
    """Each object as each Kustomization applies it."""
    trees: dict[Ref, Tree] = field(default_factory=dict)
    """The artifact of each source that is in this repository."""
    files: set[str] = field(default_factory=set)
    """The files that the builds read."""
    folders: set[str] = field(default_factory=set)
    """The folders that are built."""
    source_paths: dict[str, str] = field(default_factory=dict)
    """The path in the source, by the path in a derived artifact."""

    foreign: set[Ref] = field(default_factory=set)
    """Kustomizations whose source is not in this repository."""
    partial: set[Ref] = field(default_factory=set)
    """Kustomizations some of whose objects are unknown."""
    failed: set[Ref] = field(default_factory=set)
    """Kustomizations whose build fails."""
    gaps: list[Gap] = field(default_factory=list)
    """Builds that fluxdoctor stopped, and limits of the traversal."""
    unbuilt: set[Ref] = field(default_factory=set)
    """Kustomizations that were not built, although a build may rename their objects."""
    raw: set[Ref] = field(default_factory=set)
    """Objects as written, because their build failed, or did not run and would change them."""
    substitution_faults: dict[Ref, tuple[SubstitutionFault, ...]] = field(default_factory=dict)
    """Why the variables of a Kustomization cannot be replaced."""
    names_in_flawed_files: set[str] = field(default_factory=set)
    """The names of objects in files with a syntax error."""
