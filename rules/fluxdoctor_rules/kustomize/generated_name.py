"""A Flux object references a generated ConfigMap or Secret by its name without the hash."""

from collections.abc import Iterator

from fluxdoctor import (
    Build,
    Cluster,
    Evidence,
    Graph,
    Location,
    Manifests,
    Problem,
    Ref,
    Resource,
    State,
    Unknown,
    state,
)
from fluxdoctor_rules.shared.variables import is_generated

_KEYS = ("configMapGenerator", "secretGenerator")


def check(cluster: Cluster, graph: Graph, manifests: Manifests) -> Iterator[Problem | Unknown]:
    """Report references to generated names in Flux objects: kustomize adds the hash only in the fields that it knows."""
    generators = dict(_hashed(cluster, manifests))
    for resource in cluster.active() if generators else ():
        for need in graph.needs(resource.ref):
            place = generators.get(need.target)
            lookup = cluster.look(need.target) if place and not need.optional else None
            if lookup and lookup.unknown and state(resource) is State.FAILED:
                yield lookup.as_unknown(resource.ref)
            elif place and lookup and lookup.absent:
                yield _problem(resource.ref, need.target, need.field, place, cluster)


def _hashed(cluster: Cluster, manifests: Manifests) -> Iterator[tuple[Ref, Location]]:
    for kustomization in cluster.all("Kustomization"):
        build = manifests.build(kustomization)
        rows = _rows(build) if build else ()
        # A file under configurations can add the fields of Flux objects to kustomize.
        if build is None or not rows or any(body.has("configurations") for body in build.kustomizations):
            continue
        for resource in build.objects:
            place = resource.at() if is_generated(resource) else None
            if place and place in rows:
                yield manifests.live_ref(resource, kustomization), place


def _rows(build: Build) -> set[Location]:
    """Return the locations of the generators that add a hash to the name."""
    return {place for body in build.kustomizations for place in body.memo(_hashing)}


def _hashing(body: Resource) -> tuple[Location, ...]:
    if body.flag("generatorOptions.disableNameSuffixHash"):
        return ()
    rows = (row for key in _KEYS for row in body.rows(key) if not row.flag("options.disableNameSuffixHash"))
    return tuple(place for row in rows if (place := body.at(row.path)))


def _problem(subject: Ref, target: Ref, field: str, place: Location, cluster: Cluster) -> Problem:
    names = [n for n in cluster.names(target.kind, target.namespace) if _is_hash_of(n, target.name)]
    facts = {
        "wanted": str(target),
        "place": str(place),
        "live": f"; its name in the cluster is {names[0]}" if names else "",
        "field": field,
    }
    proof = (Evidence.field(f"{target.name} has a hash: {names[0]}", str(target)),) if names else ()
    return Problem(subject, facts, evidence=proof, field=field, location=place, key=field, missing=target)


def _is_hash_of(name: str, base: str) -> bool:
    """Tell whether a name is the base name and a hash; hashes of kustomize have ten letters and digits."""
    head, _, tail = name.rpartition("-")
    return head == base and len(tail) == 10 and tail.isalnum()  # noqa: PLR2004 - the length of a hash
