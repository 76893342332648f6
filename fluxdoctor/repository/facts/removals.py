"""Compares a cluster's declared objects before and after a change, and finds those that Kustomizations will prune.

kustomize-controller 1.9 deletes an object that is in the inventory and no longer built. Exceptions: the object opts out, or has
the labels of another Kustomization by then. A deleted Kustomization deletes its inventory too (spec.deletionPolicy).
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxdoctor.model import flux
from fluxdoctor.model.manifests import Manifests
from fluxdoctor.model.removals import Removal, Removals
from fluxdoctor.model.resource import Location, Ref, Resource
from fluxdoctor.model.tree import clean
from fluxdoctor.repository.build.substitute import unknown
from fluxdoctor.repository.follow.cluster_contents import ClusterContents

_KEY = f"{flux.KUSTOMIZE}/"
_MAX_DEPTH = 20


def between(before: ClusterContents, after: ClusterContents) -> Removals:
    """Return the objects that the change prunes. A Kustomization that fails after it prunes nothing."""
    return Removals(tuple(sorted(_Comparison(before, after).removals(), key=lambda r: (r.object, r.owner))))


class _Comparison:
    def __init__(self, before: ClusterContents, after: ClusterContents) -> None:
        self._before, self._after = before, after
        self._prune_verdicts: dict[Ref, bool] = {}
        self._new_kustomizations = {
            _source_and_path(k): k.ref
            for k in after.objects.values()
            if k.kind == "Kustomization" and k.ref not in before.objects
        }

    def removals(self) -> Iterator[Removal]:
        for ref, variants in self._before.variants.items():
            new_owners = self._after.variants.get(ref, {})
            if unknown(ref.name) or unknown(ref.namespace) or (ref in self._after.objects and not new_owners):
                continue
            for owner, resource in variants.items():
                is_shared = any(other in new_owners for other in variants)
                if owner not in new_owners and not is_shared and not _opts_out(resource) and self._prunes(owner):
                    yield self._removal(ref, owner, tuple(sorted(new_owners)), resource)

    def _removal(self, ref: Ref, owner: Ref, new_owners: tuple[Ref, ...], resource: Resource) -> Removal:
        kustomization = self._after.objects.get(owner)
        is_deleted = kustomization is None
        successor = None
        if is_deleted and owner in self._before.objects:
            successor = self._new_kustomizations.get(_source_and_path(self._before.objects[owner]))
        new_version = next((v for v in self._after.variants.get(ref, {}).values()), None)
        applier = kustomization or (self._after.objects.get(successor) if successor else None)
        location = new_version.at() if new_version else applier.at() if applier else self._parent_location(owner)
        location = location or (None if is_deleted else Location(resource.file))
        return Removal(ref, owner, new_owners, is_deleted, successor, location)

    def _parent_location(self, owner: Ref) -> Location | None:
        """Return the location of the nearest remaining Kustomization above a deleted one."""
        for _ in range(_MAX_DEPTH):
            owner = next(iter(self._before.variants.get(owner, ())), owner)
            if kustomization := self._after.objects.get(owner):
                return kustomization.at()
        return None

    def _prunes(self, owner: Ref) -> bool:
        if owner not in self._prune_verdicts:
            self._prune_verdicts[owner] = False  # ends the recursion for a Kustomization that applies itself
            self._prune_verdicts[owner] = self._would_prune(owner)
        return self._prune_verdicts[owner]

    def _would_prune(self, owner: Ref) -> bool:
        current, previous = self._after.objects.get(owner), self._before.objects.get(owner)
        if current is not None:
            is_reconciled = (
                owner not in self._after.failed
                and owner not in self._after.partial
                and owner not in self._after.foreign
            )
            return is_reconciled and current.flag("spec.prune") and not current.flag("spec.suspend")
        if previous is None or previous.flag("spec.suspend") or _opts_out(previous):
            return False
        policy = previous.text("spec.deletionPolicy", "MirrorPrune")
        is_mirrored = policy == "MirrorPrune" and previous.flag("spec.prune")
        deletes = policy in ("Delete", "WaitForTermination") or is_mirrored
        return deletes and any(map(self._prunes, self._before.variants.get(owner, ())))


def _opts_out(resource: Resource) -> bool:
    """Tell whether an object disables its own pruning."""
    marks = (resource.annotation(f"{_KEY}{k}").lower() == v or resource.label(f"{_KEY}{k}").lower() == v
             for k, v in (("prune", "disabled"), ("reconcile", "disabled")))  # fmt: skip
    return any(marks)


def _source_and_path(kustomization: Resource) -> tuple[Ref, str]:
    return Manifests.source(kustomization), clean(kustomization.text("spec.path"))
