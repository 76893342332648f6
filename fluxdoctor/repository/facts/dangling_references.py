"""Finds references of a cluster's declared objects whose target does not exist, as far as the repository alone proves it.

A target is absent only if nothing here declares it and nothing else can create it. An object that another repository, a
ResourceSet, a chart, a user or a controller may create is unknown, and unknown is not absent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable

from fluxdoctor.model import flux
from fluxdoctor.model.flux import Edge, Reference
from fluxdoctor.model.gaps import Gap, GapReason
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.model.similar import most_similar
from fluxdoctor.repository.build.substitute import unknown
from fluxdoctor.repository.follow.cluster_contents import ClusterContents

_SOURCES = ("GitRepository", "OCIRepository", "HelmRepository", "Bucket")
_EDGES = (
    Edge.SOURCE, Edge.CHART_REF, Edge.DEPENDS_ON, Edge.PROVIDER, Edge.EVENT_SOURCE, Edge.IMAGE_REPOSITORY, Edge.INCLUDE,
    Edge.RECEIVES,
)  # fmt: skip
_CREATOR_KINDS = ("ResourceSet", "FluxInstance")
#: An undeclared source that many objects use was created elsewhere: by a bootstrap, Terraform, or a management product.
_MANY = 3
_HASH = re.compile(r"-[a-z0-9]{10}$")
_SIMILARITY = 0.75
_MAX_SHORT_NAME = 5


class DeclaredNames:
    """The kinds and names of the Flux objects in any file of a repository, and of those that no cluster of it applies."""

    def __init__(self, documents: Iterable[Resource], applied_files: Collection[str] = ()) -> None:
        """``applied_files``: the files that some cluster of the repository reaches."""
        pairs = [((r.kind, r.name), r.file in applied_files) for r in documents]
        self.all = {name for name, _ in pairs}
        self.unapplied = self.all - {name for name, is_applied in pairs if is_applied} if applied_files else set()


def find(contents: ClusterContents, names: DeclaredNames) -> tuple[frozenset[Ref], tuple[Gap, ...]]:
    """Return the targets that do not exist, and why others are unknown."""
    judge = _Judge(contents, names)
    absent: set[Ref] = set()
    gaps: set[Gap] = set()
    for resource in contents.objects.values():
        if resource.ref.kind not in flux.KINDS or resource.ref in contents.raw:
            continue
        for reference in flux.references(resource):
            if reference.target in contents.objects:
                continue
            why = judge.why_unknown(reference)
            if why:
                gaps.add(Gap(reference.target, GapReason.DECIDED_ELSEWHERE, why))
            else:
                absent.add(reference.target)
    return frozenset(absent), tuple(sorted(gaps))


class _Judge:
    """Decides for the missing targets of one cluster which are unknown."""

    def __init__(self, contents: ClusterContents, names: DeclaredNames) -> None:
        self._contents = contents
        self._declared_names = names
        self._names: dict[tuple[str, str], set[str]] = {}
        for ref in contents.objects:
            self._names.setdefault((ref.kind, ref.namespace), set()).add(ref.name)
        self._use_counts = Counter(
            reference.target
            for r in contents.objects.values() if r.kind in flux.KINDS
            for reference in flux.references(r) if reference.target.kind in _SOURCES
        )  # fmt: skip
        self._similar: dict[Ref, bool] = {}
        self._has_creator = any(r.kind in _CREATOR_KINDS for r in contents.objects)
        self._has_unknown_name = any(
            unknown(r.name) or unknown(r.namespace) for r in contents.objects if r.kind in flux.KINDS
        )

    def why_unknown(self, reference: Reference) -> str:
        """Return why the target of a reference is unknown, or "" if it certainly does not exist."""
        target = reference.target
        if unknown(target.name) or unknown(target.namespace):
            return "its name contains a variable whose value is not in the repository"
        if target.kind == "ConfigMap" and reference.edge in (Edge.VALUES_FROM, Edge.SUBSTITUTE_FROM):
            return "" if self._lacks_hash(target) else "it may be created elsewhere"
        if reference.edge not in _EDGES or target.kind not in flux.KINDS:
            return "it may be created elsewhere"
        if target.kind in ("ExternalArtifact", "HelmChart", "FluxInstance", "ResourceSet"):
            return "a controller creates it"
        return self._why_elsewhere(target)

    def _lacks_hash(self, target: Ref) -> bool:
        """Tell whether a generator of kustomize appends a hash to the name, and the reference lacks it."""
        names = self._names.get((target.kind, target.namespace), set())
        return any(_HASH.sub("", n) == target.name and n != target.name for n in names)

    def _why_elsewhere(self, target: Ref) -> str:  # noqa: PLR0911 - one reason after the other
        """Return why something outside of what was built may declare a target, or ""."""
        entry = self._contents.entry
        if (target.kind, target.name) == (entry.source.kind, entry.source.name):
            return "the source of the entry point is created elsewhere"
        if target.name in self._contents.names_in_flawed_files:
            return "it is declared in a file that cannot be parsed"
        if target.kind in _SOURCES and self._use_counts[target] >= _MANY:
            return "many objects use it and nothing here declares it, so it is created elsewhere"
        is_declared = (target.kind, target.name) in self._declared_names.all
        is_unapplied = target.kind in _SOURCES and (target.kind, target.name) in self._declared_names.unapplied
        if is_unapplied and not self._contents.failed:
            return ""  # it is declared in a file of this repository that nothing lists
        if entry.is_implied and is_declared and target.kind not in _SOURCES:
            return "the file that declares it may be applied by hand, like the entry point"
        is_similar = self._is_similar(target)
        if entry.is_implied and not is_declared:
            return "the entry point of the cluster is not in this repository"
        if self._has_unknown_name and not is_similar:
            return "the name of another object contains a variable whose value is not in the repository"
        if (self._contents.foreign or self._has_creator) and not is_similar:
            return "a source outside of this repository, or a ResourceSet, may declare it"
        if self._contents.unbuilt or (self._contents.partial and is_declared):
            return "a Kustomization that may declare it cannot be built"
        return ""

    def _is_similar(self, target: Ref) -> bool:
        """Tell whether a name is a typing error of an existing name, or differs in its prefix. Computed once per target."""
        if target not in self._similar:
            self._similar[target] = self._resembles(target)
        return self._similar[target]

    def _resembles(self, target: Ref) -> bool:
        names = self._names.get((target.kind, target.namespace), set())
        if most_similar(target.name, names, _SIMILARITY, 1):
            return True
        everywhere = {n for (kind, _), names in self._names.items() if kind == target.kind for n in names}
        return any(
            len(n) > _MAX_SHORT_NAME and (n.endswith(f"-{target.name}") or target.name.endswith(f"-{n}"))
            for n in everywhere
        )
