"""The resource graph: which object needs which, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from fluxdoctor.model import flux
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.flux import Edge, Reference
from fluxdoctor.model.resource import Ref, Resource

#: Edges that no field of the spec names: they follow from the kind of the object, its status and its labels.
_IMPLICIT = frozenset((Edge.APPLIES, Edge.NAMESPACE, Edge.CRD, Edge.CONTROLLER))
#: Edges to what an object applies, checks, triggers or observes; by all other edges, it needs the target.
_DOWN = (Edge.APPLIES, Edge.HEALTH, Edge.RECEIVES, Edge.EVENT_SOURCE)


def inventory(resource: Resource) -> tuple[Ref, ...]:
    """Return the objects that a Kustomization, HelmRelease, ResourceSet or FluxInstance says it applied, in its order."""
    return resource.memo(_inventory)


def _inventory(resource: Resource) -> tuple[Ref, ...]:
    entries = resource.get("status.inventory.entries")
    if not isinstance(entries, list | tuple):
        return ()
    ids = [id_ for row in entries if type(row) is dict and isinstance(id_ := row.get("id"), str)]
    return tuple(dict.fromkeys(filter(None, map(flux.inventory_ref, ids))))


def _spec_edges(resource: Resource) -> tuple[Reference, ...]:
    """Return the edges that the fields of an object's spec name."""
    return resource.memo(_read_spec_edges)


def _read_spec_edges(resource: Resource) -> tuple[Reference, ...]:
    checks = [
        Reference(
            Edge.HEALTH,
            row.dotted,
            Ref(row.text("kind"), row.text("namespace") or resource.namespace, row.text("name")),
            crosses=True,
        )
        for row in resource.rows("spec.healthChecks")
    ]
    return tuple(dict.fromkeys([*flux.references(resource), *checks]))


class Graph:
    """Typed edges between the objects of a cluster; the targets need not exist."""

    def __init__(self, cluster: Cluster) -> None:
        """Edges are read when they are needed."""
        self._cluster = cluster
        self._edges: dict[Ref, tuple[Reference, ...]] = {}
        self._cycles: dict[Edge, tuple[tuple[Ref, ...], ...]] = {}

    def _all_edges(self, resource: Resource) -> tuple[Reference, ...]:
        if resource.ref not in self._edges:
            edges = (*_spec_edges(resource), *self._implied(resource), *self._applied(resource))
            self._edges[resource.ref] = edges
        return self._edges[resource.ref]

    def _implied(self, resource: Resource) -> list[Reference]:
        kind = flux.KINDS[resource.kind]
        crd = Ref("CustomResourceDefinition", "", f"{kind.plural}.{kind.group}")
        return [
            Reference(Edge.NAMESPACE, "metadata.namespace", Ref("Namespace", "", resource.namespace)),
            Reference(Edge.CRD, "apiVersion", crd),
            *(Reference(Edge.CONTROLLER, "", d.ref) for d in self._cluster.controllers(kind.controller)),
        ]

    def _applied(self, resource: Resource) -> list[Reference]:
        labelled = self._labelled.get(resource.ref, ())
        return [
            *(Reference(Edge.APPLIES, "status.inventory", ref) for ref in inventory(resource)),
            *(Reference(Edge.APPLIES, "metadata.labels", ref) for ref in labelled),
        ]

    @cached_property
    def _labelled(self) -> dict[Ref, list[Ref]]:
        """The objects by the Flux object that applied them, according to their labels."""
        by_owner: dict[Ref, list[Ref]] = {}
        for resource in self._cluster:
            if owner := flux.owner(resource):
                by_owner.setdefault(owner, []).append(resource.ref)
        return by_owner

    @cached_property
    def _inventory_owners(self) -> tuple[dict[Ref, Ref], dict[Ref, list[Ref]]]:
        """The first object that has another one in its inventory; and all of them, if there are several."""
        first: dict[Ref, Ref] = {}
        several: dict[Ref, list[Ref]] = {}
        for resource in self._cluster.flux:
            owner = resource.ref
            for ref in inventory(resource):
                if first.setdefault(ref, owner) is not owner:
                    several.setdefault(ref, [first[ref]]).append(owner)
        return first, several

    @property
    def shared_objects(self) -> Mapping[Ref, Sequence[Ref]]:
        """The objects that are in several inventories, with the sorted owners of those."""
        return self._inventory_owners[1]

    @cached_property
    def _edges_to(self) -> dict[Ref, list[tuple[Ref, Reference]]]:
        return self._by_target(self._all_edges)

    @cached_property
    def _spec_edges_to(self) -> dict[Ref, list[tuple[Ref, Reference]]]:
        return self._by_target(_spec_edges)

    def _by_target(self, edges: Callable[[Resource], tuple[Reference, ...]]) -> dict[Ref, list[tuple[Ref, Reference]]]:
        by_target: dict[Ref, list[tuple[Ref, Reference]]] = {}
        for resource in self._cluster.flux:
            for reference in edges(resource):
                by_target.setdefault(reference.target, []).append((resource.ref, reference))
        return by_target

    @cached_property
    def children(self) -> dict[Ref, tuple[Ref, ...]]:
        """The Flux objects that each object applies, for those that apply any."""
        return self._flux_targets(lambda r: (*inventory(r), *self._labelled.get(r.ref, ())))

    @cached_property
    def dependencies(self) -> dict[Ref, tuple[Ref, ...]]:
        """What each object names in spec.dependsOn, for those that name any."""
        return self._flux_targets(lambda r: [edge.target for edge in self._edges_of(r, Edge.DEPENDS_ON)])

    @cached_property
    def generators(self) -> Mapping[Ref, Sequence[Ref]]:
        """The ArtifactGenerators that produce each ExternalArtifact, which exists from its first build on (2.2)."""
        by_artifact: dict[Ref, list[Ref]] = {}
        for generator in self._cluster.all("ArtifactGenerator"):
            for row in generator.rows("spec.artifacts"):
                artifact = Ref("ExternalArtifact", generator.namespace, row.text("name"))
                by_artifact.setdefault(artifact, []).append(generator.ref)
        return by_artifact

    def _flux_targets(self, targets: Callable[[Resource], Iterable[Ref]]) -> dict[Ref, tuple[Ref, ...]]:
        flux_targets: dict[Ref, tuple[Ref, ...]] = {}
        for resource in self._cluster.flux:
            if refs := tuple([ref for ref in targets(resource) if ref.kind in flux.KINDS and ref != resource.ref]):
                flux_targets[resource.ref] = refs
        return flux_targets

    def _edges_of(self, resource: Resource, *edges: Edge) -> tuple[Reference, ...]:
        """Return an object's edges of these kinds. Edges of other kinds are not computed, because that takes long."""
        if _IMPLICIT.isdisjoint(edges):
            return tuple([r for r in _spec_edges(resource) if r.edge in edges])
        if edges == (Edge.APPLIES,):
            return tuple(self._applied(resource))
        return tuple([r for r in self._all_edges(resource) if r.edge in edges])

    def needs(self, ref: Ref, *edges: Edge) -> tuple[Reference, ...]:
        """Return what an object refers to, by these edges (all if none is given)."""
        resource = self._cluster.get(ref) if ref.kind in flux.KINDS else None
        if resource is None:
            return ()
        return self._edges_of(resource, *edges) if edges else self._all_edges(resource)

    def needed_by(self, ref: Ref, *edges: Edge) -> tuple[tuple[Ref, Reference], ...]:
        """Return which objects refer to this one, by these edges (all if none is given), sorted."""
        by_target = self._spec_edges_to if edges and _IMPLICIT.isdisjoint(edges) else self._edges_to
        return tuple(pair for pair in by_target.get(ref, ()) if not edges or pair[1].edge in edges)

    def appliers(self, ref: Ref) -> tuple[Ref, ...]:
        """Return the objects that apply this one, by inventory or by the labels that the controllers set, sorted."""
        first, several = self._inventory_owners
        owners = {*several.get(ref, ()), *((first[ref],) if ref in first else ())}
        resource = self._cluster.get(ref)
        parent = flux.owner(resource) if resource else None
        if parent and self._cluster.get(parent):
            owners.add(parent)
        return tuple(sorted(owners))

    def parent(self, resource: Resource) -> Ref | None:
        """Return the object that applied this one last, by its labels, else by an inventory; None if there is none."""
        owner = flux.owner(resource)
        if owner:
            return owner
        return next((ref for ref in self.appliers(resource.ref) if ref != resource.ref), None)

    def related(self, ref: Ref) -> frozenset[Ref]:
        """Return the Flux objects that can affect an object or be affected by it, and the object itself.

        These are all that it needs and what applies those, and all that needs it and what those apply; directly or not.
        """
        return self._reachable(ref, self._upstream) | self._reachable(ref, self._downstream)

    def _upstream(self, ref: Ref) -> Iterator[Ref]:
        yield from (reference.target for reference in self.needs(ref) if reference.edge not in _DOWN)
        yield from self.appliers(ref)

    def _downstream(self, ref: Ref) -> Iterator[Ref]:
        yield from (source for source, reference in self.needed_by(ref) if reference.edge not in _DOWN)
        yield from (reference.target for reference in self.needs(ref, Edge.APPLIES))

    @staticmethod
    def _reachable(start: Ref, neighbours: Callable[[Ref], Iterable[Ref]]) -> frozenset[Ref]:
        """Return the Flux objects that can be reached from one by way of Flux objects, and that object."""
        reachable, queue = {start}, [start]
        while queue:
            for ref in neighbours(queue.pop()):
                if ref.kind in flux.KINDS and ref not in reachable:
                    reachable.add(ref)
                    queue.append(ref)
        return frozenset(reachable)

    def cycles(self, edge: Edge) -> tuple[tuple[Ref, ...], ...]:
        """Return the cycles of one kind of edge: the members of each, sorted. An object that names itself is a cycle."""
        if edge not in self._cycles:
            arrows = {
                r.ref: targets for r in self._cluster.flux if (targets := [e.target for e in self._edges_of(r, edge)])
            }
            self._cycles[edge] = tuple(sorted(_strong_components(arrows)))
        return self._cycles[edge]


def _strong_components(arrows: Mapping[Ref, Sequence[Ref]]) -> list[tuple[Ref, ...]]:
    """Return the strongly connected components that are cycles.

    Tarjan's algorithm, iterative, because a fleet's chain may be deeper than Python's stack. ``index`` is the order of
    discovery, ``low`` the lowest index that a node reaches, and ``stack`` the nodes whose component is not complete.
    """
    index: dict[Ref, int] = {}
    low: dict[Ref, int] = {}
    stack: list[Ref] = []
    on_stack: set[Ref] = set()
    components: list[tuple[Ref, ...]] = []
    for root in tuple(arrows):
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        work = [(root, iter(arrows[root]))]
        while work:
            node, targets = work[-1]
            step = next((t for t in targets if t in arrows and (t not in index or t in on_stack)), None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    components += _complete_component(node, stack, on_stack, arrows)
            elif step in index:
                low[node] = min(low[node], index[step])
            else:
                index[step] = low[step] = len(index)
                stack.append(step)
                on_stack.add(step)
                work.append((step, iter(arrows[step])))
    return components


def _complete_component(
    node: Ref, stack: list[Ref], on_stack: set[Ref], arrows: Mapping[Ref, Sequence[Ref]]
) -> list[tuple[Ref, ...]]:
    """Take the component that begins with a node from the stack, and return it if it is a cycle."""
    members = [stack.pop()]
    while members[-1] != node:  # from the end: the stack may be as long as the fleet is deep
        members.append(stack.pop())
    on_stack.difference_update(members)
    is_cycle = len(members) > 1 or node in arrows[node]
    return [tuple(sorted(members))] if is_cycle else []
