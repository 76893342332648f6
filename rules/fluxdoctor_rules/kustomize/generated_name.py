"""A Flux object asks for a generated ConfigMap or Secret by the name without its hash."""

from collections.abc import Iterator

from fluxdoctor import Build, Cluster, Evidence, Graph, Location, Manifests, Problem, Ref, Resource

from ._build import is_generated

_KEYS = ("configMapGenerator", "secretGenerator")


def check(cluster: Cluster, graph: Graph, manifests: Manifests) -> Iterator[Problem]:
    """Look for hashed names in fields of Flux objects: kustomize writes them only into the fields that it knows."""
    made = dict(_hashed(cluster, manifests))
    for resource in cluster.flux if made else ():
        for need in graph.needs(resource.ref):
            place = made.get(need.target)
            if place and not need.optional and cluster.look(need.target).absent:
                yield _problem(resource.ref, need.target, need.field, place, cluster)


def _hashed(cluster: Cluster, manifests: Manifests) -> Iterator[tuple[Ref, Location]]:
    for kustomization in cluster.all("Kustomization"):
        build = manifests.build(kustomization)
        rows = _rows(build) if build else ()
        # A file of configurations can teach kustomize the fields of Flux objects.
        if build is None or not rows or any(body.has("configurations") for body in build.kustomizations):
            continue
        for resource in build.objects:
            place = resource.at() if is_generated(resource) else None
            if place and place in rows:
                yield manifests.live_ref(resource, kustomization), place


def _rows(build: Build) -> set[Location]:
    """Return the places of the generators whose names get a hash."""
    return {place for body in build.kustomizations for place in body.once("generators with a hash", _hashing)}


def _hashing(body: Resource) -> tuple[Location, ...]:
    if body.flag("generatorOptions.disableNameSuffixHash"):
        return ()
    rows = (row for key in _KEYS for row in body.rows(key) if not row.flag("options.disableNameSuffixHash"))
    return tuple(place for row in rows if (place := body.at(row.path)))


def _problem(subject: Ref, wanted: Ref, field: str, place: Location, cluster: Cluster) -> Problem:
    names = [n for n in cluster.names(wanted.kind, wanted.namespace) if _is_hash_of(n, wanted.name)]
    facts = {
        "wanted": str(wanted),
        "place": str(place),
        "live": f"; in the cluster it is {names[0]}" if names else "",
        "field": field,
    }
    proof = (Evidence(f"{wanted.name} has a hash: {names[0]}", str(wanted)),) if names else ()
    return Problem(subject, facts, evidence=proof, field=field, location=place, key=field)


def _is_hash_of(name: str, base: str) -> bool:
    """Tell a name with a hash: kustomize's hashes are ten letters and digits."""
    head, _, tail = name.rpartition("-")
    return head == base and len(tail) == 10 and tail.isalnum()  # noqa: PLR2004 - the length of a hash
