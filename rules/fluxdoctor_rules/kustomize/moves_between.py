"""A commit that is not applied yet moves objects from one Kustomization to another, and the first deletes them."""

from collections.abc import Iterator

from fluxdoctor import Build, Cluster, Evidence, Manifests, Problem, Ref, Removal, Removals, Resource, inventory

from ._pruned import others, pruning

_SHOWN = 3
#: What hurts most when it is deleted: told first.
_PRECIOUS = (
    "CustomResourceDefinition",
    "HelmRelease",
    "Kustomization",
    "Namespace",
    "PersistentVolumeClaim",
    "StatefulSet",
)


def check(cluster: Cluster, manifests: Manifests, removals: Removals | None) -> Iterator[Problem]:
    """Compare the inventory with what git declares, where git is ahead of what was applied; or two revisions of git."""
    if removals:
        yield from _of_change(removals, cluster)
        return
    for kustomization, build, gone in pruning(cluster, manifests):
        moved = {ref: heirs for ref in gone if (heirs := others(ref, kustomization, manifests))}
        if moved:
            yield _moved(kustomization, moved)
        children = [c for ref in gone if ref.kind == "Kustomization" and (c := cluster.get(ref))]
        anew = dict(_new(build, kustomization, cluster, manifests)) if children else {}
        for child in children:
            heir = anew.get(_reads(child))
            if heir and child.flag("spec.prune") and inventory(child) and child.text("spec.deletionPolicy") != "Orphan":
                yield _renamed(child, heir)


def _of_change(removals: Removals, cluster: Cluster) -> Iterator[Problem]:
    """What the Kustomizations of a repository hand over in a change; one that is renamed hands over all."""
    by_owner: dict[Ref, list[Removal]] = {}
    for removal in removals.found:
        if removal.heirs:
            by_owner.setdefault(removal.owner, []).append(removal)
    for owner, moved in by_owner.items():
        first = moved[0]
        if first.successor and {h for r in moved for h in r.heirs} == {first.successor}:
            facts = _renaming(first.successor, len(moved))
            proof = Evidence(f"{owner} is not declared after the change, and {first.successor} is")
            heir = cluster.get(first.successor)
            at = heir.at("metadata.name") if heir else first.location
            yield Problem(owner, facts, evidence=(proof,), location=at, field="spec.prune", key="renamed")
            continue
        facts = _moving({r.object: r.heirs for r in moved})
        proof = Evidence(f"before the change {owner} declared {first.object}, after it {first.heirs[0]} does")
        yield Problem(owner, facts, evidence=(proof,), location=first.location, field="spec.prune", key="moved")


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


def _moving(moved: dict[Ref, tuple[Ref, ...]]) -> dict[str, str]:
    names = [str(ref) for ref in sorted(moved, key=lambda ref: (ref.kind not in _PRECIOUS, ref))]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    heirs = dict.fromkeys(str(o) for others in moved.values() for o in others)
    return {
        "what": f"no longer declares {', '.join(names[:_SHOWN])}{more}, and {', '.join(heirs)} does",
        "risk": "if it is reconciled first, it deletes them, and they are made anew",
    }


def _moved(kustomization: Resource, moved: dict[Ref, tuple[Ref, ...]]) -> Problem:
    facts = _moving(moved)
    proof = Evidence(
        f"{len(moved)} objects of its inventory are declared elsewhere", f"{kustomization.ref} status.inventory"
    )
    return Problem(kustomization.ref, facts, evidence=(proof,), field="spec.prune", key="moved")


def _renamed(child: Resource, heir: Ref) -> Problem:
    facts = _renaming(heir, len(inventory(child)))
    proof = Evidence(f"{heir} is declared and does not exist yet", str(heir))
    return Problem(child.ref, facts, evidence=(proof,), field="spec.prune", key="renamed")


def _renaming(heir: Ref, count: int) -> dict[str, str]:
    return {
        "what": f"is replaced by {heir} in git, with the same path",
        "risk": f"deleting it prunes its {count} object{'s' if count != 1 else ''}, which the other makes anew",
    }
