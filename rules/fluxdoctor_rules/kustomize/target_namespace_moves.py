"""spec.targetNamespace moved a Flux object away from what it refers to."""

from collections.abc import Iterator

from fluxdoctor import Cluster, Edge, Graph, Manifests, Problem, Ref, Reference, Resource, State, state

_LOCAL = (
    Edge.SOURCE, Edge.CHART_REF, Edge.DEPENDS_ON, Edge.VALUES_FROM, Edge.SUBSTITUTE_FROM, Edge.SECRET,
    Edge.CERT_SECRET, Edge.DECRYPTION, Edge.PROVIDER,
)  # fmt: skip


def check(cluster: Cluster, graph: Graph, manifests: Manifests) -> Iterator[Problem]:
    """Look at the Flux objects that such a Kustomization applies: what they name is in the namespace they came from."""
    for parent in cluster.all("Kustomization"):
        target, build = parent.text("spec.targetNamespace"), manifests.build(parent)
        if not target or build is None:
            continue
        for declared in build.objects:
            live = cluster.get(manifests.live_ref(declared, parent))
            if live is None or live.namespace != target or state(live) is State.SUSPENDED:
                continue
            homes = dict.fromkeys(n for n in (declared.namespace, parent.namespace) if n and n != target)
            for need in graph.needs(live.ref, *_LOCAL):
                there = _there(cluster, need, target, tuple(homes))
                if there:
                    yield _problem(live, need, parent, there)


def _there(cluster: Cluster, need: Reference, target: str, homes: tuple[str, ...]) -> Ref | None:
    """Return the object that was meant, where the one in the target namespace does not exist."""
    wanted = need.target
    if need.optional or wanted.namespace != target or not cluster.look(wanted).absent:
        return None
    refs = (Ref(wanted.kind, home, wanted.name) for home in homes)
    return next((ref for ref in refs if cluster.get(ref)), None)


def _problem(live: Resource, need: Reference, parent: Resource, there: Ref) -> Problem:
    crosses = need.edge in (Edge.SOURCE, Edge.CHART_REF, Edge.DEPENDS_ON)
    facts = {
        "parent": str(parent.ref),
        "target": live.namespace,
        "wanted": str(need.target),
        "there": str(there),
        "field": need.field,
        "instead": f"add namespace: {there.namespace} to {need.field}"
        if crosses
        else f"have {there.kind} {there.name} in namespace {live.namespace} too ({need.field} cannot name another)",
    }
    return Problem(live.ref, facts, field=need.field, key=need.field)
