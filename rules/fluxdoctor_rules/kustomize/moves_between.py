"""A commit that is not applied yet moves objects from one Kustomization to another, and the first deletes them."""

from collections.abc import Iterator

from fluxdoctor import Build, Cluster, Evidence, Manifests, Problem, Ref, Resource, State, inventory, revision, state

_PRUNE = "kustomize.toolkit.fluxcd.io/prune"
_SHOWN = 3


def check(cluster: Cluster, manifests: Manifests) -> Iterator[Problem]:
    """Compare the inventory with what git declares, where git is ahead of what was applied."""
    for kustomization in cluster.all("Kustomization"):
        build = manifests.build(kustomization)
        if not (build and build.complete and kustomization.flag("spec.prune") and _is_ahead(kustomization, cluster)):
            continue
        if kustomization.has("spec.kubeConfig") or state(kustomization) is State.SUSPENDED:
            continue
        kept = {manifests.live_ref(resource, kustomization) for resource in build.objects}
        gone = [ref for ref in inventory(kustomization) if ref not in kept and not _protected(cluster.get(ref))]
        moved = {ref: others for ref in gone if (others := _others(ref, kustomization, manifests))}
        if moved:
            yield _moved(kustomization, moved)
        children = [c for ref in gone if ref.kind == "Kustomization" and (c := cluster.get(ref))]
        heirs = dict(_new(build, kustomization, cluster, manifests)) if children else {}
        for child in children:
            heir = heirs.get(_reads(child))
            if heir and child.flag("spec.prune") and inventory(child) and child.text("spec.deletionPolicy") != "Orphan":
                yield _renamed(child, heir)


def _is_ahead(kustomization: Resource, cluster: Cluster) -> bool:
    source = cluster.get(Manifests.source(kustomization))
    newest, applied = revision(source) if source else "", revision(kustomization)
    return bool(newest and applied and newest != applied)


def _protected(live: Resource | None) -> bool:
    return live is not None and "disabled" in (live.annotation(_PRUNE).lower(), live.label(_PRUNE).lower())


def _others(ref: Ref, kustomization: Resource, manifests: Manifests) -> tuple[Ref, ...]:
    return tuple(o for o in manifests.producers(ref) if o != kustomization.ref)


def _reads(kustomization: Resource) -> tuple[str, str]:
    return kustomization.text("spec.path"), kustomization.text("spec.sourceRef.name")


def _new(
    build: Build, parent: Resource, cluster: Cluster, manifests: Manifests
) -> Iterator[tuple[tuple[str, str], Ref]]:
    """Yield the Kustomizations that are declared and not there yet, by what they read."""
    for declared in build.objects:
        ref = manifests.live_ref(declared, parent)
        if declared.kind == "Kustomization" and cluster.look(ref).absent:
            yield _reads(declared), ref


def _moved(kustomization: Resource, moved: dict[Ref, tuple[Ref, ...]]) -> Problem:
    names = [str(ref) for ref in moved]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    heirs = dict.fromkeys(str(o) for others in moved.values() for o in others)
    facts = {
        "what": f"no longer declares {', '.join(names[:_SHOWN])}{more}, and {', '.join(heirs)} does",
        "risk": "if it is reconciled first, it deletes them, and they are made anew",
    }
    proof = Evidence(
        f"{len(names)} objects of its inventory are declared elsewhere", f"{kustomization.ref} status.inventory"
    )
    return Problem(kustomization.ref, facts, evidence=(proof,), field="spec.prune", key="moved")


def _renamed(child: Resource, heir: Ref) -> Problem:
    count = len(inventory(child))
    facts = {
        "what": f"is replaced by {heir} in git, with the same path",
        "risk": f"deleting it prunes its {count} object{'s' if count != 1 else ''}, which the other makes anew",
    }
    proof = Evidence(f"{heir} is declared and does not exist yet", str(heir))
    return Problem(child.ref, facts, evidence=(proof,), field="spec.prune", key="renamed")
