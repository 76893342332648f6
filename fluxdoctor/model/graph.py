"""The resource graph: which object needs which, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from fluxdoctor.model import flux
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.flux import Edge, Reference
from fluxdoctor.model.resource import Ref, Resource

#: Edges that no field of the spec names: they follow from what the object is, and from what its controller says and labels.
_UNWRITTEN = frozenset((Edge.APPLIES, Edge.NAMESPACE, Edge.CRD, Edge.CONTROLLER))
#: Edges from an object to what it brings about; by all others it needs what they lead to.
_DOWN = (Edge.APPLIES, Edge.HEALTH, Edge.RECEIVES, Edge.EVENT_SOURCE)


def inventory(resource: Resource) -> tuple[Ref, ...]:
    """Return the objects that a Kustomization, HelmRelease, ResourceSet or FluxInstance says it applied."""
    return resource.memo(_inventory)


def _inventory(resource: Resource) -> tuple[Ref, ...]:
    entries = resource.get("status.inventory.entries")
    if not isinstance(entries, list | tuple):
        return ()
    ids = [id_ for row in entries if type(row) is dict and isinstance(id_ := row.get("id"), str)]
    return tuple(dict.fromkeys(filter(None, map(flux.inventory_ref, ids))))


def _written(resource: Resource) -> tuple[Reference, ...]:
    """Return the edges that the fields of an object's spec name."""
    return resource.memo(_read)


def _read(resource: Resource) -> tuple[Reference, ...]:
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
        """Edges are read when they are asked for."""
        self._cluster = cluster
        self._all: dict[Ref, tuple[Reference, ...]] = {}
        self._cyclic: dict[Edge, tuple[tuple[Ref, ...], ...]] = {}

    def _out(self, resource: Resource) -> tuple[Reference, ...]:
        if resource.ref not in self._all:
            edges = (*_written(resource), *self._implied(resource), *self._applied(resource))
            self._all[resource.ref] = edges
        return self._all[resource.ref]

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
        found: dict[Ref, list[Ref]] = {}
        for resource in self._cluster:
            if parent := flux.owner(resource):
                found.setdefault(parent, []).append(resource.ref)
        return found

    @cached_property
    def _holders(self) -> tuple[dict[Ref, Ref], dict[Ref, list[Ref]]]:
        """The first object that has another in its inventory; and all of them, where there are several."""
        first: dict[Ref, Ref] = {}
        several: dict[Ref, list[Ref]] = {}
        for resource in self._cluster.flux:
            holder = resource.ref
            for ref in inventory(resource):
                if first.setdefault(ref, holder) is not holder:
                    several.setdefault(ref, [first[ref]]).append(holder)
        return first, several

    @property
    def contested(self) -> Mapping[Ref, Sequence[Ref]]:
        """The objects that are in several inventories, and whose, sorted."""
        return self._holders[1]

    @cached_property
    def _in(self) -> dict[Ref, list[tuple[Ref, Reference]]]:
        return self._turned(self._out)

    @cached_property
    def _written_in(self) -> dict[Ref, list[tuple[Ref, Reference]]]:
        return self._turned(_written)

    def _turned(self, edges: Callable[[Resource], tuple[Reference, ...]]) -> dict[Ref, list[tuple[Ref, Reference]]]:
        found: dict[Ref, list[tuple[Ref, Reference]]] = {}
        for resource in self._cluster.flux:
            for reference in edges(resource):
                found.setdefault(reference.target, []).append((resource.ref, reference))
        return found

    @cached_property
    def families(self) -> dict[Ref, tuple[Ref, ...]]:
        """The Flux objects that each object applies, for those that apply any."""
        return self._leading(lambda one: (*inventory(one), *self._labelled.get(one.ref, ())))

    @cached_property
    def gathering(self) -> dict[Ref, tuple[Ref, ...]]:
        """What each object names in spec.dependsOn, for those that name any."""
        return self._leading(lambda one: [edge.target for edge in self._of(one, Edge.DEPENDS_ON)])

    @cached_property
    def generators(self) -> Mapping[Ref, Sequence[Ref]]:
        """The ArtifactGenerators that are to make each ExternalArtifact; it is there from its first build on (2.2)."""
        found: dict[Ref, list[Ref]] = {}
        for generator in self._cluster.all("ArtifactGenerator"):
            for row in generator.rows("spec.artifacts"):
                made = Ref("ExternalArtifact", generator.namespace, row.text("name"))
                found.setdefault(made, []).append(generator.ref)
        return found

    def _leading(self, targets: Callable[[Resource], Iterable[Ref]]) -> dict[Ref, tuple[Ref, ...]]:
        found: dict[Ref, tuple[Ref, ...]] = {}
        for one in self._cluster.flux:
            if to := tuple([ref for ref in targets(one) if ref.kind in flux.KINDS and ref != one.ref]):
                found[one.ref] = to
        return found

    def _of(self, resource: Resource, *edges: Edge) -> tuple[Reference, ...]:
        """Return an object's edges of these kinds; what is not asked for, and has to be worked out first, is left alone."""
        if _UNWRITTEN.isdisjoint(edges):
            return tuple([r for r in _written(resource) if r.edge in edges])
        if edges == (Edge.APPLIES,):
            return tuple(self._applied(resource))
        return tuple([r for r in self._out(resource) if r.edge in edges])

    def needs(self, ref: Ref, *edges: Edge) -> tuple[Reference, ...]:
        """Return what an object refers to, by these edges (all when none is named)."""
        resource = self._cluster.get(ref) if ref.kind in flux.KINDS else None
        if resource is None:
            return ()
        return self._of(resource, *edges) if edges else self._out(resource)

    def needed_by(self, ref: Ref, *edges: Edge) -> tuple[tuple[Ref, Reference], ...]:
        """Return which objects refer to this one, by these edges (all when none is named), sorted."""
        found = self._written_in if edges and _UNWRITTEN.isdisjoint(edges) else self._in
        return tuple(pair for pair in found.get(ref, ()) if not edges or pair[1].edge in edges)

    def appliers(self, ref: Ref) -> tuple[Ref, ...]:
        """Return the objects that apply this one: by inventory or by the labels that the controllers set."""
        first, several = self._holders
        found = {*several.get(ref, ()), *((first[ref],) if ref in first else ())}
        resource = self._cluster.get(ref)
        parent = flux.owner(resource) if resource else None
        if parent and self._cluster.get(parent):
            found.add(parent)
        return tuple(sorted(found))

    def parent(self, resource: Resource) -> Ref | None:
        """Return the one that applied an object last: its labels say so, else its inventory."""
        labelled = flux.owner(resource)
        if labelled:
            return labelled
        return next((ref for ref in self.appliers(resource.ref) if ref != resource.ref), None)

    def kin(self, ref: Ref) -> frozenset[Ref]:
        """Return the Flux objects that one is about: itself, all that it needs, all that needs it, and what applies those."""
        needed, needing = {ref}, {ref}
        todo = [ref]
        while todo:
            one = todo.pop()
            above = [e.target for e in self.needs(one) if e.edge not in _DOWN]
            for other in (*above, *self.appliers(one)):
                if other.kind in flux.KINDS and other not in needed:
                    needed.add(other)
                    todo.append(other)
        todo = [ref]
        while todo:
            one = todo.pop()
            below = [source for source, edge in self.needed_by(one) if edge.edge not in _DOWN]
            for other in (*below, *(e.target for e in self.needs(one, Edge.APPLIES))):
                if other.kind in flux.KINDS and other not in needing:
                    needing.add(other)
                    todo.append(other)
        return frozenset(needed | needing)

    def cycles(self, edge: Edge) -> tuple[tuple[Ref, ...], ...]:
        """Return the cycles of one kind of edge: the members of each, sorted; an object that names itself is one."""
        if edge not in self._cyclic:
            arrows = {r.ref: targets for r in self._cluster.flux if (targets := [e.target for e in self._of(r, edge)])}
            self._cyclic[edge] = tuple(sorted(_cycles(arrows)))
        return self._cyclic[edge]


def _cycles(arrows: Mapping[Ref, Sequence[Ref]]) -> list[tuple[Ref, ...]]:
    """Tarjan's strongly connected components, iterative: a fleet's chain may be deeper than Python's stack."""
    index: dict[Ref, int] = {}
    low: dict[Ref, int] = {}
    stack: list[Ref] = []
    held: set[Ref] = set()
    found: list[tuple[Ref, ...]] = []
    for root in tuple(arrows):
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        held.add(root)
        work = [(root, iter(arrows[root]))]
        while work:
            node, targets = work[-1]
            step = next((t for t in targets if t in arrows and (t not in index or t in held)), None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    found += _component(node, stack, held, arrows)
            elif step in index:
                low[node] = min(low[node], index[step])
            else:
                index[step] = low[step] = len(index)
                stack.append(step)
                held.add(step)
                work.append((step, iter(arrows[step])))
    return found


def _component(
    node: Ref, stack: list[Ref], held: set[Ref], arrows: Mapping[Ref, Sequence[Ref]]
) -> list[tuple[Ref, ...]]:
    members = [stack.pop()]
    while members[-1] != node:  # from the end: the stack may be as long as the fleet is deep
        members.append(stack.pop())
    held.difference_update(members)
    is_cycle = len(members) > 1 or node in arrows[node]
    return [tuple(sorted(members))] if is_cycle else []
