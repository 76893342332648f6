"""A change removes an object whose deletion affects more than the object: a Namespace, a volume, a CustomResourceDefinition."""

from collections.abc import Collection, Iterator

from fluxdoctor import Cluster, Evidence, Manifests, Problem, Ref, Removal, Removals
from fluxdoctor_rules.kustomize._pruned import others, pruning

_VOLUMES = ("PersistentVolumeClaim", "PersistentVolume")
_LISTED = 3


def check(cluster: Cluster, manifests: Manifests | None, removals: Removals | None) -> Iterator[Problem]:
    """Check objects that are declared nowhere after the change; another rule covers objects that move."""
    if removals:
        unclaimed = [r for r in removals.found if not r.heirs]
        deleted = {r.object for r in unclaimed}
        yield from (
            _problem(r.object, r.owner, loss, r) for r in unclaimed if (loss := _loss(r.object, deleted, cluster))
        )
        return
    for kustomization, build, refs in pruning(cluster, manifests) if manifests else ():
        # If a variable or a patch sets a name, the name in the file is not the final one.
        if kustomization.has("spec.patches") or any("${" in resource.name for resource in build.objects):
            continue
        deleted = {ref for ref in refs if not others(ref, kustomization, manifests)} if manifests else set()
        for ref in sorted(deleted):
            if loss := _loss(ref, deleted, cluster):
                yield _problem(ref, kustomization.ref, loss)


def _problem(ref: Ref, owner: Ref, loss: str, removal: Removal | None = None) -> Problem:
    is_owner_removed = removal is not None and removal.owner_gone
    facts: dict[str, str | Ref] = {
        "owner": owner,
        "why": "is no longer declared" if is_owner_removed else "no longer declares it",
        "loss": loss,
    }
    if removal:
        proof = Evidence.field(f"{owner} declared it before the change")
        return Problem(ref, facts, evidence=(proof,), location=removal.location, field="spec.prune", key=str(ref))
    proof = Evidence.field(f"{owner} applied it", f"{owner} status.inventory")
    return Problem(ref, facts, evidence=(proof,), field="spec.prune", key=str(ref))


def _loss(ref: Ref, deleted: Collection[Ref], cluster: Cluster) -> str:
    """Describe what is deleted together with an object; "" for nothing, and for objects of a Namespace that is deleted itself."""
    if Ref("Namespace", "", ref.namespace) in deleted:
        return ""
    if ref.kind == "Namespace":
        inside = [r.ref for r in cluster if r.namespace == ref.name and r.ref not in deleted]
        return f"everything in it is deleted too{_including(inside)}"
    if ref.kind in _VOLUMES:
        return "its data may be deleted too (reclaim policy)"
    if ref.kind == "CustomResourceDefinition":
        plural, _, group = ref.name.partition(".")
        # The plural of a kind may change its last letter: Policy, policies.
        candidates = [r for r in cluster if r.group == group and r.ref not in deleted]
        objects = [r.ref for r in candidates if plural.startswith(r.text("kind").lower()[:-1] or plural)]
        return f"every object of its kind is deleted too{_including(objects)}"
    return ""


def _including(refs: list[Ref]) -> str:
    if not refs:
        return ""
    more = f" and {len(refs) - _LISTED} more" if len(refs) > _LISTED else ""
    return f", including {', '.join(map(str, refs[:_LISTED]))}{more} (still declared)"
