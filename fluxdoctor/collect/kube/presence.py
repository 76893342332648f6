"""Whether what healthy Kustomizations and HelmReleases say they applied is still there: names only, never a content."""

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

#: The label that each controller puts on all that it applies (kustomize-controller 1.9, helm-controller 1.6).
_OWNERS = {"Kustomization": f"{flux.KUSTOMIZE}/name", "HelmRelease": f"{flux.HELM}/name"}
#: These come and go by themselves; those that are listed anyway need no second look.
_PASSING = ("Endpoints", "Event", "Job", "Pod", "ReplicaSet", "CustomResourceDefinition", "Namespace", *flux.KINDS)
#: Names of more objects than these would take longer to read than all else.
_MOST_CLAIMED, _MOST = 4_000, 5_000
_MOST_DOUBTS = 200


def check(
    reader: Reader, cluster: Cluster, owners: Iterable[Ref], served: Callable[[Ref], Served | None]
) -> ReadResult:
    """Return what is not there, of what is in an inventory. What may not be listed says nothing, and is no gap."""
    claimed: dict[tuple[str, str], set[Ref]] = {}
    for ref in sorted(owners):
        owner = cluster.get(ref)
        if owner and ref.kind in _OWNERS and flux.state(owner) is State.READY and not owner.has("spec.kubeConfig"):
            for one in inventory(owner):
                if one.kind not in _PASSING:
                    claimed.setdefault((one.kind, _OWNERS[ref.kind]), set()).add(one)
    count = sum(map(len, claimed.values()))
    if count > _MOST_CLAIMED:
        why = f"they name {count} objects; they were not looked for"
        return ReadResult(gaps=[Gap(StepScope("inventories"), GapReason.TOO_LARGE, why)])
    wanted = [(how, label, refs) for (kind, label), refs in claimed.items() if (how := served(Ref(kind, "", "")))]
    jobs = [
        partial(reader.list, how, query={"labelSelector": label}, accept=PARTIAL, most=_MOST)
        for how, label, _ in wanted
    ]
    doubts: list[tuple[Served | None, Ref]] = []
    for (how, _, refs), got in zip(wanted, reader.map(lambda job: job(), jobs), strict=True):
        if not got.gaps:
            there = {(v.text("metadata.namespace"), v.text("metadata.name")) for v in map(Fields, got.bodies)}
            doubts += [(how, ref) for ref in sorted(refs) if (ref.namespace, ref.name) not in there]
    # An object can be there without the label: someone took it off.
    found = reader.gets(doubts[:_MOST_DOUBTS])
    return ReadResult(absent=found.absent)
