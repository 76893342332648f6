"""Checks whether the objects in the inventories of healthy Kustomizations and HelmReleases still exist. It reads names only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from fluxdoctor.collect.kube.definitions import PARTIAL
from fluxdoctor.collect.kube.discovery import Served
from fluxdoctor.collect.kube.read import Reader, ReadResult
from fluxdoctor.model import flux
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.flux import State
from fluxdoctor.model.gaps import Gap, GapReason, StepScope
from fluxdoctor.model.graph import inventory
from fluxdoctor.model.resource import Fields, Ref

#: The label that each controller sets on everything it applies (kustomize-controller 1.9, helm-controller 1.6).
_OWNER_LABELS = {"Kustomization": f"{flux.KUSTOMIZE}/name", "HelmRelease": f"{flux.HELM}/name"}
#: Kinds whose objects come and go by themselves, and kinds that are listed anyway.
_TRANSIENT = ("Endpoints", "Event", "Job", "Pod", "ReplicaSet", "CustomResourceDefinition", "Namespace", *flux.KINDS)
#: Above these limits, reading names would take longer than everything else.
_MAX_CLAIMED, _MAX_LISTED = 4_000, 5_000
_MAX_LOOKUPS = 200


def check(
    reader: Reader, cluster: Cluster, owners: Iterable[Ref], served: Callable[[Ref], Served | None]
) -> ReadResult:
    """Return the objects of inventories that do not exist. A kind that cannot be listed is ignored and is no gap."""
    claimed: dict[tuple[str, str], set[Ref]] = {}
    for ref in sorted(owners):
        owner = cluster.get(ref)
        if (
            owner
            and ref.kind in _OWNER_LABELS
            and flux.state(owner) is State.READY
            and not owner.has("spec.kubeConfig")
        ):
            for entry in inventory(owner):
                if entry.kind not in _TRANSIENT:
                    claimed.setdefault((entry.kind, _OWNER_LABELS[ref.kind]), set()).add(entry)
    count = sum(map(len, claimed.values()))
    if count > _MAX_CLAIMED:
        text = (
            f"the inventories list {count} objects, above the limit of {_MAX_CLAIMED}; their presence was not checked"
        )
        return ReadResult(gaps=[Gap(StepScope("inventories"), GapReason.TOO_LARGE, text)])
    lookups = [
        (served_kind, label, refs)
        for (kind, label), refs in claimed.items()
        if (served_kind := served(Ref(kind, "", "")))
    ]
    jobs = [
        partial(reader.list, served_kind, query={"labelSelector": label}, accept=PARTIAL, most=_MAX_LISTED)
        for served_kind, label, _ in lookups
    ]
    unconfirmed: list[tuple[Served | None, Ref]] = []
    for (served_kind, _, refs), listed in zip(lookups, reader.map(lambda job: job(), jobs), strict=True):
        if not listed.gaps:
            present = {(v.text("metadata.namespace"), v.text("metadata.name")) for v in map(Fields, listed.bodies)}
            unconfirmed += [(served_kind, ref) for ref in sorted(refs) if (ref.namespace, ref.name) not in present]
    # An object can exist without the label, if someone removed it.
    confirmed = reader.gets(unconfirmed[:_MAX_LOOKUPS])
    return ReadResult(absent=confirmed.absent)
