"""A commit that is not applied yet moves objects to another Kustomization, so the old owner can delete them."""

from collections.abc import Iterator

from fluxdoctor import (
    Build,
    Cluster,
    Evidence,
    Manifests,
    Problem,
    Ref,
    Removal,
    Removals,
    Resource,
    inventory,
)
from fluxdoctor_rules.kustomize._pruned import others, pruning

_MOST = 3
#: The kinds whose deletion does the most damage; they are listed first.
_CRITICAL = (
    "CustomResourceDefinition",
    "HelmRelease",
    "Kustomization",
    "Namespace",
    "PersistentVolumeClaim",
    "StatefulSet",
)


def check(cluster: Cluster, manifests: Manifests, removals: Removals | None) -> Iterator[Problem]:
    """Compare the inventory with a git revision that is not applied yet, or two revisions of a repository."""
    if removals:
        yield from _of_change(removals, cluster)
        return
    for kustomization, build, gone in pruning(cluster, manifests):
        heirs_of = {ref: heirs for ref in gone if (heirs := others(ref, kustomization, manifests))}
        if heirs_of:
            yield _moved(kustomization, heirs_of)
        children = [c for ref in gone if ref.kind == "Kustomization" and (c := cluster.get(ref))]
        created = dict(_new(build, kustomization, cluster, manifests)) if children else {}
        for child in children:
            heir = created.get(_reads(child))
            if heir and child.flag("spec.prune") and inventory(child) and child.text("spec.deletionPolicy") != "Orphan":
                yield _renamed(child, heir)


def _of_change(removals: Removals, cluster: Cluster) -> Iterator[Problem]:
    """Report the objects that move between Kustomizations in a change; a renamed Kustomization moves all its objects."""
    by_owner: dict[Ref, list[Removal]] = {}
    for removal in removals.found:
        if removal.heirs:
            by_owner.setdefault(removal.owner, []).append(removal)
    for owner, moves in by_owner.items():
        first = moves[0]
        if first.successor and {h for r in moves for h in r.heirs} == {first.successor}:
            facts = _renaming(first.successor, len(moves))
            proof = Evidence.field(f"the change removes {owner} and adds {first.successor}")
            heir = cluster.get(first.successor)
            at = heir.at("metadata.name") if heir else first.location
            yield Problem(owner, facts, evidence=(proof,), location=at, field="spec.prune", key="renamed")
            continue
        facts = _moving({r.object: r.heirs for r in moves})
        proof = Evidence.field(f"before the change, {owner} declares {first.object}; after it, {first.heirs[0]} does")
        yield Problem(owner, facts, evidence=(proof,), location=first.location, field="spec.prune", key="moved")


def _reads(kustomization: Resource) -> tuple[str, str]:
    return kustomization.text("spec.path"), kustomization.text("spec.sourceRef.name")


def _new(
    build: Build, parent: Resource, cluster: Cluster, manifests: Manifests
) -> Iterator[tuple[tuple[str, str], Ref]]:
    """Yield the declared Kustomizations that do not exist yet, by their path and source."""
    for declared in build.objects:
        ref = manifests.live_ref(declared, parent)
        if declared.kind == "Kustomization" and cluster.look(ref).absent:
            yield _reads(declared), ref


def _moving(heirs_of: dict[Ref, tuple[Ref, ...]]) -> dict[str, str]:
    names = [str(ref) for ref in sorted(heirs_of, key=lambda ref: (ref.kind not in _CRITICAL, ref))]
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    heirs = dict.fromkeys(str(heir) for refs in heirs_of.values() for heir in refs)
    objects, pronoun = ("these objects", "them") if len(names) > 1 else ("this object", "it")
    return {
        "what": f"no longer declares {', '.join(names[:_MOST])}{more}, now declared by {', '.join(heirs)}",
        "risk": f"if it is reconciled first, it deletes {objects}, and the new owner recreates {pronoun}",
    }


def _moved(kustomization: Resource, heirs_of: dict[Ref, tuple[Ref, ...]]) -> Problem:
    facts = _moving(heirs_of)
    proof = Evidence.field(
        f"objects of its inventory declared elsewhere: {len(heirs_of)}",
        f"{kustomization.ref} status.inventory",
    )
    return Problem(kustomization.ref, facts, evidence=(proof,), field="spec.prune", key="moved")


def _renamed(child: Resource, heir: Ref) -> Problem:
    facts = _renaming(heir, len(inventory(child)))
    proof = Evidence.field(f"{heir} is declared and does not exist yet", str(heir))
    return Problem(child.ref, facts, evidence=(proof,), field="spec.prune", key="renamed")


def _renaming(heir: Ref, count: int) -> dict[str, str]:
    objects, pronoun = ("objects", "them") if count != 1 else ("object", "it")
    return {
        "what": f"is replaced in git by {heir}, with the same path",
        "risk": f"deleting it prunes its {count} {objects}, and {heir} recreates {pronoun}",
    }
