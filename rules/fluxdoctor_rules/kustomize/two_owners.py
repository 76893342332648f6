"""Two owners apply the same object: they overwrite each other, and either can delete it."""

from collections.abc import Iterator
from itertools import combinations

from fluxdoctor import (
    Cluster,
    Evidence,
    Graph,
    Manifests,
    Overlaps,
    Problem,
    Ref,
    Resource,
    Severity,
    State,
    is_terminating,
    revision,
    state,
)

_KEY = "kustomize.toolkit.fluxcd.io/"
_OWNERS = ("Kustomization", "HelmRelease")
_LISTED = 3


def check(cluster: Cluster, graph: Graph, manifests: Manifests | None, overlaps: Overlaps | None) -> Iterator[Problem]:
    """Compare inventories, or the declarations of a repository.

    An object of two HelmReleases is an error of Helm itself; a shared Namespace is common.
    """
    if overlaps:
        yield from _declared(overlaps, cluster)
        return
    for ref, appliers in sorted(graph.shared_objects.items()):
        if ref.kind == "Namespace":
            continue
        owners = [o for a in appliers if a.kind in _OWNERS and (o := cluster.get(a))]
        both = [o for o in owners if _settled(o, cluster)]
        if len(both) > 1 and {o.kind for o in both} != {"HelmRelease"} and not _shared(cluster.get(ref)):
            yield from _problem(ref, both, cluster.get(ref), manifests)


def _declared(overlaps: Overlaps, cluster: Cluster) -> Iterator[Problem]:
    """Yield the objects that will be applied twice: a warning if the contents differ, a note if they are equal."""
    for overlap in overlaps.found:
        owners = [o for ref in overlap.owners if (o := cluster.get(ref))]
        if (
            overlap.object.kind == "Namespace"
            or _shared(cluster.get(overlap.object))
            or len(owners) < len(overlap.owners)
        ):
            continue
        fields = overlap.differs or ()
        if not fields and not any(o.flag("spec.prune") for o in owners):
            continue
        names = " and ".join(map(str, overlap.owners))
        differ = f"with different {', '.join(fields[:_LISTED])}: each owner reverts the other"
        yield Problem(
            overlap.object,
            {"owners": names, "how": differ if fields else "and either can delete it"},
            severity=Severity.WARNING if fields else Severity.INFO,
            shared=f"{names} {bool(fields)}",
        )


def _settled(owner: Resource, cluster: Cluster) -> bool:
    """Tell whether an owner is Ready at the newest revision.

    Before that, an object that moves to another owner is in both inventories.
    """
    if is_terminating(owner) or owner.has("spec.kubeConfig") or state(owner) is not State.READY:
        return False
    source = cluster.get(Manifests.source(owner)) if owner.kind == "Kustomization" else None
    return source is None or revision(source) in ("", revision(owner))


def _shared(live: Resource | None) -> bool:
    if live is None:
        return False
    is_merged = live.annotation(f"{_KEY}ssa").lower() in ("merge", "ifnotpresent", "ignore")
    return is_merged or live.annotation(f"{_KEY}reconcile") == "disabled"


def _problem(ref: Ref, both: list[Resource], live: Resource | None, manifests: Manifests | None) -> Iterator[Problem]:
    label = live.label(f"{_KEY}name") if live else ""
    last = next((o for o in both if o.kind == "Kustomization" and o.name == label), both[0])
    bodies = [d for o in both if (d := manifests.definition(ref, o.ref) if manifests else None)]
    differ = any(_content(a) != _content(b) for a, b in combinations(bodies, 2))
    same = len(bodies) == len(both) and not differ
    if same and not any(o.flag("spec.prune") for o in both):
        return
    declared = manifests.definition(ref, last.ref) if manifests else None
    yield Problem(
        ref,
        {
            "owners": " and ".join(str(o.ref) for o in both),
            "how": f"{'with different content' if differ else 'and either can delete it'}; {last.ref} wrote it last",
            "last": last.ref,
        },
        evidence=tuple(Evidence.field(f"listed in status.inventory of {o.ref}") for o in both),
        location=declared.at() if declared else None,
        severity=Severity.ERROR if differ else None,
    )


def _content(resource: Resource) -> dict[str, object]:
    return {k: resource.get(k) for k in resource.keys(()) if k not in ("metadata", "status")}
