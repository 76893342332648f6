"""spec.targetNamespace moved a Flux object away from the objects that it refers to."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Manifests, Problem, Ref, Reference, Resource, is_suspended, is_terminating

_LOCAL = (
    Edge.SOURCE, Edge.CHART_REF, Edge.DEPENDS_ON, Edge.VALUES_FROM, Edge.SUBSTITUTE_FROM, Edge.SECRET,
    Edge.CERT_SECRET, Edge.DECRYPTION, Edge.PROVIDER,
)  # fmt: skip


def check(cluster: Cluster, graph: Graph, manifests: Manifests) -> Iterator[Problem]:
    """Find Flux objects in the target namespace whose references exist only in their original namespace."""
    for parent in cluster.active("Kustomization"):
        target, build = parent.text("spec.targetNamespace"), manifests.build(parent)
        if not target or build is None:
            continue
        for declared in build.objects:
            live = cluster.get(manifests.live_ref(declared, parent))
            if live is None or live.namespace != target or is_suspended(live) or is_terminating(live):
                continue
            homes = dict.fromkeys(n for n in (declared.namespace, parent.namespace) if n and n != target)
            for need in graph.needs(live.ref, *_LOCAL):
                original = _original(cluster, need, target, tuple(homes))
                if original:
                    yield _problem(live, need, parent, original)


def _original(cluster: Cluster, need: Reference, target: str, homes: tuple[str, ...]) -> Ref | None:
    """Return the object of the original namespace, if there is none in the target namespace."""
    moved_ref = need.target
    if need.optional or moved_ref.namespace != target or not cluster.look(moved_ref).absent:
        return None
    refs = (Ref(moved_ref.kind, home, moved_ref.name) for home in homes)
    return next((ref for ref in refs if cluster.get(ref)), None)


def _problem(live: Resource, need: Reference, parent: Resource, original: Ref) -> Problem:
    crosses = need.edge in (Edge.SOURCE, Edge.CHART_REF, Edge.DEPENDS_ON)
    facts = {
        "parent": str(parent.ref),
        "target": live.namespace,
        "wanted": str(need.target),
        "there": str(original),
        "field": need.field,
        "instead": f"add namespace: {original.namespace} to {need.field}"
        if crosses
        else f"create {need.target} ({need.field} cannot refer to another namespace)",
    }
    return Problem(live.ref, facts, field=need.field, key=need.field)
