"""References to objects that do not exist: the one query behind every "X refers to Y, which does not exist"."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fluxdoctor.model import flux
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.finding import Fact, Problem, Unknown
from fluxdoctor.model.flux import Edge, Reference, State
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.model.similar import nearest, suggestion

#: Tells of an object whether a rule judges it, or whether it is worth saying that a reference of it could not be looked up.
Policy = Callable[[Resource], bool]
#: How many namespaces, objects or names a hint lists.
_MOST = 3


def always(_: Resource) -> bool:
    """Say of every object that a reference could not be looked up: for kinds without a status."""
    return True


def when_failed(resource: Resource) -> bool:
    """Say it only of objects that fail: of a Ready one, an unknown reference is no question."""
    return flux.state(resource) is State.FAILED


@dataclass(frozen=True)
class Missing:
    """A reference of an active object whose target does not exist.

    ``namesakes``: objects of the target's name, in other namespaces or of the other kinds that were asked about.
    ``similar``: similar names in the target's own namespace, if no object of its kind has its name elsewhere.
    ``hint``: what may have been meant, as the end of a message; "" without any.
    """

    owner: Resource
    reference: Reference
    hint: str = ""
    namesakes: tuple[Ref, ...] = ()
    similar: tuple[str, ...] = ()

    @property
    def target(self) -> Ref:
        """The object that does not exist."""
        return self.reference.target

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The other namespaces in which an object of the target's kind and name exists, at most three."""
        return tuple(ref.namespace for ref in self.namesakes if ref.kind == self.target.kind)[:_MOST]

    def problem(self, facts: Mapping[str, Fact] | None = None, *, field: str = "", **more: Any) -> Problem:
        """Return the problem: the facts ``target``, ``reference`` (the field) and ``hint``, and those given besides.

        ``field`` is the one to change, ``{reference}.name`` by default; ``more`` goes to Problem.
        """
        known: dict[str, Fact] = {"target": self.target, "reference": self.reference.field, "hint": self.hint}
        where = field or f"{self.reference.field}.name"
        return Problem(self.owner.ref, {**known, **(facts or {})}, field=where, missing=self.target, **more)


def references(
    cluster: Cluster,
    kinds: Sequence[str],
    *edges: Edge,
    unknown: Policy = when_failed,
    also: Sequence[str] = (),
    only: Policy = always,
) -> Iterator[Missing | Unknown]:
    """Yield the references of active objects whose target does not exist, and Unknown if that cannot be told.

    Active: not suspended, not being deleted. Optional references are left out. ``also``: other kinds in which an object of
    the target's name may be the one that was meant. ``only``: the objects that are judged.
    """
    for resource in cluster.active(*kinds):
        for reference in flux.references(resource):
            if reference.edge not in edges or reference.optional or cluster.get(reference.target) or not only(resource):
                continue
            lookup = cluster.look(reference.target)
            if lookup.absent:
                yield of(cluster, resource, reference, also)
            elif unknown(resource):
                yield lookup.as_unknown(resource.ref)


def of(cluster: Cluster, owner: Resource, reference: Reference, also: Sequence[str] = ()) -> Missing:
    """Return a reference of an object as missing, with the hint: for rules that find it by other means than its absence."""
    target = reference.target
    namesakes = tuple(r.ref for r in cluster.all(target.kind, *also) if r.name == target.name and r.ref != target)
    if elsewhere := [ref for ref in namesakes if ref.kind == target.kind]:
        return Missing(owner, reference, _elsewhere(reference, elsewhere[:_MOST]), namesakes)
    names = (n for n in cluster.names(target.kind, target.namespace) if target._replace(name=n) != owner.ref)
    similar = nearest(target.name, names)
    return Missing(
        owner, reference, suggestion(map(str, namesakes[:_MOST]) if namesakes else similar), namesakes, similar
    )


def _elsewhere(reference: Reference, namesakes: Sequence[Ref]) -> str:
    if not reference.crosses:
        return f"; {namesakes[0]} exists, but {reference.field} cannot refer to another namespace"
    *others, last = [ref.namespace for ref in namesakes]
    if others:
        return f"; objects of that name exist in namespaces {', '.join(others)} and {last}"
    return f"; one of that name exists in namespace {last}"
