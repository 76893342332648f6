"""What a change takes away from the Kustomizations that prune: one cluster's declared objects before it and after it.

kustomize-controller 1.9 deletes what is in the inventory and not built any more, but for objects that say otherwise or that
carry the labels of another Kustomization by then; one that is deleted takes its inventory with it (spec.deletionPolicy).
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
_DEEPEST = 20


def between(before: ClusterContents, after: ClusterContents) -> Removals:
    """Return what will be pruned when the change is applied. Of a Kustomization that fails after it, nothing is."""
    return Removals(tuple(sorted(_Comparison(before, after).found(), key=lambda r: (r.object, r.owner))))


class _Comparison:
    def __init__(self, before: ClusterContents, after: ClusterContents) -> None:
        self._before, self._after = before, after
        self._known: dict[Ref, bool] = {}
        self._new = {
            _reads(k): k.ref
            for k in after.objects.values()
            if k.kind == "Kustomization" and k.ref not in before.objects
        }

    def found(self) -> Iterator[Removal]:
        for ref, variants in self._before.variants.items():
            heirs = self._after.variants.get(ref, {})
            if unknown(ref.name) or unknown(ref.namespace) or (ref in self._after.objects and not heirs):
                continue
            for owner, resource in variants.items():
                shared = any(other in heirs for other in variants)
                if owner not in heirs and not shared and not _kept(resource) and self._prunes(owner):
                    yield self._removal(ref, owner, tuple(sorted(heirs)), resource)

    def _removal(self, ref: Ref, owner: Ref, heirs: tuple[Ref, ...], resource: Resource) -> Removal:
        kustomization = self._after.objects.get(owner)
        gone = kustomization is None
        successor = (
            self._new.get(_reads(self._before.objects[owner])) if gone and owner in self._before.objects else None
        )
        moved = next((v for v in self._after.variants.get(ref, {}).values()), None)
        held = kustomization or (self._after.objects.get(successor) if successor else None)
        location = moved.at() if moved else held.at() if held else self._parent(owner)
        return Removal(ref, owner, heirs, gone, successor, location or (Location(resource.file) if not gone else None))

    def _parent(self, owner: Ref) -> Location | None:
        """Where the nearest Kustomization above one that is gone stands."""
        for _ in range(_DEEPEST):
            owner = next(iter(self._before.variants.get(owner, ())), owner)
            if held := self._after.objects.get(owner):
                return held.at()
        return None

    def _prunes(self, owner: Ref) -> bool:
        if owner not in self._known:
            self._known[owner] = False  # one that applies itself
            self._known[owner] = self._would_prune(owner)
        return self._known[owner]

    def _would_prune(self, owner: Ref) -> bool:
        now, then = self._after.objects.get(owner), self._before.objects.get(owner)
        if now is not None:
            works = (
                owner not in self._after.failed
                and owner not in self._after.partial
                and owner not in self._after.foreign
            )
            return works and now.flag("spec.prune") and not now.flag("spec.suspend")
        if then is None or then.flag("spec.suspend") or _kept(then):
            return False
        policy = then.text("spec.deletionPolicy", "MirrorPrune")
        deletes = policy in ("Delete", "WaitForTermination") or (policy == "MirrorPrune" and then.flag("spec.prune"))
        return deletes and any(map(self._prunes, self._before.variants.get(owner, ())))


def _kept(resource: Resource) -> bool:
    """The object says that it is not to be pruned."""
    marks = (resource.annotation(f"{_KEY}{k}").lower() == v or resource.label(f"{_KEY}{k}").lower() == v
             for k, v in (("prune", "disabled"), ("reconcile", "disabled")))  # fmt: skip
    return any(marks)


def _reads(kustomization: Resource) -> tuple[Ref, str]:
    return Manifests.source(kustomization), clean(kustomization.text("spec.path"))
