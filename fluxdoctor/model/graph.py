"""The resource graph: which object needs which, and why."""

from __future__ import annotations

from functools import cached_property

from fluxdoctor.model import flux
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.flux import Edge, Reference
from fluxdoctor.model.resource import Ref, Resource

#: Edges from an object to what it brings about; by all others it needs what they lead to.
_DOWN = (Edge.APPLIES, Edge.HEALTH, Edge.RECEIVES, Edge.EVENT_SOURCE)


def inventory(resource: Resource) -> tuple[Ref, ...]:
    """Return the objects that a Kustomization, HelmRelease, ResourceSet or FluxInstance says it applied."""
    return resource.once("inventory", _inventory)


def _inventory(resource: Resource) -> tuple[Ref, ...]:
    entries = resource.get("status.inventory.entries")
    rows = [row for row in entries if type(row) is dict] if isinstance(entries, list | tuple) else ()
    ids = [id_ for row in rows if isinstance(id_ := row.get("id"), str)]
    return tuple(dict.fromkeys([ref for id_ in ids if (ref := flux.inventory_ref(id_))]))


class Graph:
    """Typed edges between the objects of a cluster; the targets need not exist."""

    def __init__(self, cluster: Cluster) -> None:
        """Edges are read when they are asked for."""
        self._cluster = cluster
        self._cyclic: dict[Edge, tuple[tuple[Ref, ...], ...]] = {}

    @cached_property
    def _out(self) -> dict[Ref, tuple[Reference, ...]]:
        found: dict[Ref, list[Reference]] = {}
        for resource in self._cluster.flux:
            found[resource.ref] = list(dict.fromkeys([*flux.references(resource), *self._implied(resource)]))
            found[resource.ref] += [Reference(Edge.APPLIES, "status.inventory", ref) for ref in inventory(resource)]
        for resource in self._cluster:
            parent = flux.owner(resource)
            if parent and parent in found:
                found[parent].append(Reference(Edge.APPLIES, "metadata.labels", resource.ref))
        return {ref: tuple(edges) for ref, edges in found.items()}

    def _implied(self, resource: Resource) -> list[Reference]:
        kind = flux.KINDS[resource.kind]
        edges = []
        for row in resource.rows("spec.healthChecks"):
            ref = Ref(row.text("kind"), row.text("namespace") or resource.namespace, row.text("name"))
            edges.append(Reference(Edge.HEALTH, row.dotted, ref))
        edges.append(Reference(Edge.NAMESPACE, "metadata.namespace", Ref("Namespace", "", resource.namespace)))
        crd = Ref("CustomResourceDefinition", "", f"{kind.plural}.{kind.group}")
        edges.append(Reference(Edge.CRD, "apiVersion", crd))
        for deployment in self._cluster.controllers(kind.controller):
            edges.append(Reference(Edge.CONTROLLER, "", deployment.ref))
        return edges

    @cached_property
    def _in(self) -> dict[Ref, tuple[tuple[Ref, Reference], ...]]:
        found: dict[Ref, list[tuple[Ref, Reference]]] = {}
        for source in sorted(self._out):
            for reference in self._out[source]:
                found.setdefault(reference.target, []).append((source, reference))
        return {ref: tuple(edges) for ref, edges in found.items()}

    @cached_property
    def families(self) -> dict[Ref, tuple[Ref, ...]]:
        """The Flux objects that each object applies, for those that apply any."""
        return self._having(Edge.APPLIES)

    @cached_property
    def gathering(self) -> dict[Ref, tuple[Ref, ...]]:
        """What each object names in spec.dependsOn, for those that name any."""
        return self._having(Edge.DEPENDS_ON)

    def _having(self, edge: Edge) -> dict[Ref, tuple[Ref, ...]]:
        found: dict[Ref, list[Ref]] = {}
        for ref, edges in self._out.items():
            for reference in edges:
                if reference.edge is edge and reference.target.kind in flux.KINDS and reference.target != ref:
                    found.setdefault(ref, []).append(reference.target)
        return {ref: tuple(targets) for ref, targets in found.items()}

    def needs(self, ref: Ref, *edges: Edge) -> tuple[Reference, ...]:
        """Return what an object refers to, by these edges (all when none is named)."""
        found = self._out.get(ref, ())
        return tuple([r for r in found if r.edge in edges]) if edges else found

    def needed_by(self, ref: Ref, *edges: Edge) -> tuple[tuple[Ref, Reference], ...]:
        """Return which objects refer to this one, by these edges (all when none is named), sorted."""
        return tuple(pair for pair in self._in.get(ref, ()) if not edges or pair[1].edge in edges)

    def appliers(self, ref: Ref) -> tuple[Ref, ...]:
        """Return the objects that apply this one: by inventory or by the labels that the controllers set."""
        return tuple(dict.fromkeys(source for source, _ in self.needed_by(ref, Edge.APPLIES)))

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
            arrows = {ref: tuple(e.target for e in self.needs(ref, edge)) for ref in self._out}
            self._cyclic[edge] = tuple(sorted(_cycles(arrows)))
        return self._cyclic[edge]


def _cycles(arrows: dict[Ref, tuple[Ref, ...]]) -> list[tuple[Ref, ...]]:
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
    node: Ref, stack: list[Ref], held: set[Ref], arrows: dict[Ref, tuple[Ref, ...]]
) -> list[tuple[Ref, ...]]:
    members = [stack.pop()]
    while members[-1] != node:  # from the end: the stack may be as long as the fleet is deep
        members.append(stack.pop())
    held.difference_update(members)
    is_cycle = len(members) > 1 or node in arrows[node]
    return [tuple(sorted(members))] if is_cycle else []
