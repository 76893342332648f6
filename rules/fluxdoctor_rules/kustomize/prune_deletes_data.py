"""A change takes away an object whose deletion takes more with it: a Namespace, a volume, a CustomResourceDefinition."""

from collections.abc import Collection, Iterator

from fluxdoctor import Cluster, Evidence, Manifests, Problem, Ref, Removal, Removals

from ._pruned import others, pruning

_VOLUMES = ("PersistentVolumeClaim", "PersistentVolume")
_SHOWN = 3


def check(cluster: Cluster, manifests: Manifests | None, removals: Removals | None) -> Iterator[Problem]:
    """Judge what is declared nowhere after the change; what only moves is another rule's."""
    if removals:
        gone = [r for r in removals.found if not r.heirs]
        names = {r.object for r in gone}
        yield from (_problem(r.object, r.owner, loss, r) for r in gone if (loss := _loss(r.object, names, cluster)))
        return
    for kustomization, build, refs in pruning(cluster, manifests) if manifests else ():
        # A name that a variable or a patch makes is not that of the file.
        if kustomization.has("spec.patches") or any("${" in resource.name for resource in build.objects):
            continue
        lost = {ref for ref in refs if not others(ref, kustomization, manifests)} if manifests else set()
        for ref in sorted(lost):
            if loss := _loss(ref, lost, cluster):
                yield _problem(ref, kustomization.ref, loss)


def _problem(ref: Ref, owner: Ref, loss: str, removal: Removal | None = None) -> Problem:
    whole = removal is not None and removal.owner_gone
    facts: dict[str, str | Ref] = {
        "owner": owner,
        "why": "is not declared any more" if whole else "does not declare it any more",
        "loss": loss,
    }
    if removal:
        proof = Evidence(f"before the change {owner} declared it")
        return Problem(ref, facts, evidence=(proof,), location=removal.location, field="spec.prune", key=str(ref))
    proof = Evidence(f"{owner} applied it", f"{owner} status.inventory")
    return Problem(ref, facts, evidence=(proof,), field="spec.prune", key=str(ref))


def _loss(ref: Ref, gone: Collection[Ref], cluster: Cluster) -> str:
    """Say what goes with an object, "" for nothing; what is in a Namespace that goes is told with it."""
    if Ref("Namespace", "", ref.namespace) in gone:
        return ""
    if ref.kind == "Namespace":
        inside = [r.ref for r in cluster if r.namespace == ref.name and r.ref not in gone]
        return f"everything in it goes too{_some(inside, 'that stays declared')}"
    if ref.kind in _VOLUMES:
        return "the data on it may go too (reclaim policy)"
    if ref.kind == "CustomResourceDefinition":
        plural, _, group = ref.name.partition(".")
        # The plural of a kind ends otherwise than the kind: policies, classes, gateways.
        rest = [r for r in cluster if r.group == group and r.ref not in gone]
        mine = [r.ref for r in rest if plural.startswith(r.text("kind").lower()[:-1] or plural)]
        return f"every object of its kind goes too{_some(mine, 'that stays declared')}"
    return ""


def _some(refs: list[Ref], what: str) -> str:
    if not refs:
        return ""
    more = f" and {len(refs) - _SHOWN} more" if len(refs) > _SHOWN else ""
    return f", with {', '.join(map(str, refs[:_SHOWN]))}{more} {what}"
