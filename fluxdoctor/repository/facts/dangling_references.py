"""Which references of a cluster's declared objects lead nowhere, as far as the repository alone can prove it.

Absent is only what nothing here declares, where nothing else could make it: an object that another repository, a
ResourceSet, a chart, a person or a controller may make is unknown, and unknown is not absent.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterable

from fluxdoctor.model import flux
from fluxdoctor.model.flux import Edge, Reference
from fluxdoctor.model.gaps import Gap, GapReason
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.repository.build.substitute import unknown
from fluxdoctor.repository.follow.cluster_contents import ClusterContents

_SOURCES = ("GitRepository", "OCIRepository", "HelmRepository", "Bucket")
_EDGES = (
    Edge.SOURCE, Edge.CHART_REF, Edge.DEPENDS_ON, Edge.PROVIDER, Edge.EVENT_SOURCE, Edge.IMAGE_REPOSITORY, Edge.INCLUDE,
    Edge.RECEIVES,
)  # fmt: skip
_MAKERS = ("ResourceSet", "FluxInstance")
#: An undeclared source that many objects use was made elsewhere: by a bootstrap, Terraform, a management product.
_MANY = 3
_HASH = re.compile(r"-[a-z0-9]{10}$")
_NEAR = 0.75
_SHORT = 5


class DeclaredNames:
    """The kinds and names of the Flux objects in any file of a repository, and of those that no cluster of it applies."""

    def __init__(self, written: Iterable[Resource], applied: Collection[str] = ()) -> None:
        """``applied``: the files that some cluster of the repository reaches."""
        named = [((r.kind, r.name), r.file in applied) for r in written]
        self.all = {name for name, _ in named}
        self.left_out = self.all - {name for name, is_applied in named if is_applied} if applied else set()


def absent(reached: ClusterContents, written: DeclaredNames) -> tuple[frozenset[Ref], tuple[Gap, ...]]:
    """Return the references that lead nowhere, and why others are not known."""
    judge = _Judge(reached, written)
    missing: set[Ref] = set()
    gaps: set[Gap] = set()
    for resource in reached.objects.values():
        if resource.ref.kind not in flux.KINDS or resource.ref in reached.raw:
            continue
        for reference in flux.references(resource):
            if reference.target in reached.objects:
                continue
            why = judge.why_unknown(reference)
            if why:
                gaps.add(Gap(reference.target, GapReason.DECIDED_ELSEWHERE, why))
            else:
                missing.add(reference.target)
    return frozenset(missing), tuple(sorted(gaps))


class _Judge:
    def __init__(self, reached: ClusterContents, written: DeclaredNames) -> None:
        self._reached = reached
        self._written = written
        self._names: dict[tuple[str, str], set[str]] = {}
        for ref in reached.objects:
            self._names.setdefault((ref.kind, ref.namespace), set()).add(ref.name)
        self._used = Counter(
            reference.target
            for r in reached.objects.values() if r.kind in flux.KINDS
            for reference in flux.references(r) if reference.target.kind in _SOURCES
        )  # fmt: skip
        self._near: dict[Ref, bool] = {}
        self._makers = [r for r in reached.objects if r.kind in _MAKERS]
        self._unnamed = any(unknown(r.name) or unknown(r.namespace) for r in reached.objects if r.kind in flux.KINDS)

    def why_unknown(self, reference: Reference) -> str:
        """Return why a reference cannot be judged, "" where its target certainly is not there."""
        target = reference.target
        if unknown(target.name) or unknown(target.namespace):
            return "a variable that the repository does not tell is in its name"
        if target.kind == "ConfigMap" and reference.edge in (Edge.VALUES_FROM, Edge.SUBSTITUTE_FROM):
            return "" if self._is_hashed(target) else "it may be made elsewhere"
        if reference.edge not in _EDGES or target.kind not in flux.KINDS:
            return "it may be made elsewhere"
        if target.kind in ("ExternalArtifact", "HelmChart", "FluxInstance", "ResourceSet"):
            return "a controller makes it"
        return self._made_elsewhere(target)

    def _is_hashed(self, target: Ref) -> bool:
        """A generator of kustomize has given it a suffix, and the reference has not followed."""
        names = self._names.get((target.kind, target.namespace), set())
        return any(_HASH.sub("", n) == target.name and n != target.name for n in names)

    def _made_elsewhere(self, target: Ref) -> str:  # noqa: PLR0911 - one reason after the other
        entry = self._reached.entry
        if (target.kind, target.name) == (entry.source.kind, entry.source.name):
            return "the source that the cluster begins with is made elsewhere"
        if target.name in self._reached.lost:
            return "it stands in a file that cannot be read"
        if target.kind in _SOURCES and self._used[target] >= _MANY:
            return "many objects use it, and nothing here declares it: it is made elsewhere"
        is_written = (target.kind, target.name) in self._written.all
        left_out = target.kind in _SOURCES and (target.kind, target.name) in self._written.left_out
        if left_out and not self._reached.failed:
            return ""  # it stands in a file of this repository that nothing lists
        if entry.implied and is_written and target.kind not in _SOURCES:
            return "the file that declares it may be applied by hand, as the entry point is"
        near = self._is_near(target)
        if entry.implied and not is_written:
            return "the entry point of the cluster is not in this repository"
        if self._unnamed and not near:
            return "the name of another object holds a variable that the repository does not tell"
        if (self._reached.foreign or self._makers) and not near:
            return "a source outside of this repository, or a ResourceSet, may declare it"
        if self._reached.unbuilt or (self._reached.partial and is_written):
            return "a part of what declares it cannot be built"
        return ""

    def _is_near(self, target: Ref) -> bool:
        """A typing error of a name that is there, or one with another prefix; worked out once for all who name it."""
        if target not in self._near:
            self._near[target] = self._resembles(target)
        return self._near[target]

    def _resembles(self, target: Ref) -> bool:
        names = self._names.get((target.kind, target.namespace), set())
        if difflib.get_close_matches(target.name, names, 1, _NEAR):
            return True
        everywhere = {n for (kind, _), held in self._names.items() if kind == target.kind for n in held}
        return any(
            len(n) > _SHORT and (n.endswith(f"-{target.name}") or target.name.endswith(f"-{n}")) for n in everywhere
        )
