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
from fluxdoctor.model.similar import did_you_mean

#: Tells whether it is worth saying of an object that a reference of it could not be looked up.
UnknownPolicy = Callable[[Resource], bool]


def always(_: Resource) -> bool:
    """Say of every object that a reference could not be looked up: for kinds without a status."""
    return True


def when_failed(resource: Resource) -> bool:
    """Say it only of objects that fail: of a Ready one, an unknown reference is no question."""
    return flux.state(resource) is State.FAILED


@dataclass(frozen=True)
class Missing:
    """A reference of an active object whose target does not exist.

    ``namesakes``: objects of the target's name in other namespaces or of the other kinds that were asked about.
    """

    owner: Resource
    reference: Reference
    hint: str = ""
    namesakes: tuple[Ref, ...] = ()

    @property
    def target(self) -> Ref:
        """The object that does not exist."""
        return self.reference.target

    def problem(self, facts: Mapping[str, Fact] | None = None, *, field: str = "", **more: Any) -> Problem:
        """Return the problem: the facts ``target``, ``reference`` (the field) and ``hint``, and those given besides.

        ``field`` is the one to change, ``{reference}.name`` by default; ``more`` goes to Problem.
        """
        known: dict[str, Fact] = {"target": self.target, "reference": self.reference.field, "hint": self.hint}
        where = field or f"{self.reference.field}.name"
        return Problem(self.owner.ref, {**known, **(facts or {})}, field=where, missing=self.target, **more)


def references(
    cluster: Cluster, kinds: Sequence[str], *edges: Edge, unknown: UnknownPolicy = when_failed, also: Sequence[str] = ()
) -> Iterator[Missing | Unknown]:
    """Yield the references of active objects whose target does not exist, and Unknown if that cannot be told.

    Active: not suspended, not being deleted. Optional references are left out. ``also``: other kinds in which an object of
    the target's name may be the one that was meant.
    """
    for resource in cluster.active(*kinds):
        for reference in flux.references(resource):
            if reference.edge not in edges or reference.optional:
                continue
            lookup = cluster.look(reference.target)
            if lookup.absent:
                yield _missing(cluster, resource, reference, also)
            elif lookup.unknown and unknown(resource):
                yield lookup.as_unknown(resource.ref)


def _missing(cluster: Cluster, owner: Resource, reference: Reference, also: Sequence[str]) -> Missing:
    target = reference.target
    namesakes = tuple(r.ref for r in cluster.all(target.kind, *also) if r.name == target.name)
    names = [n for n in cluster.names(target.kind, target.namespace) if target._replace(name=n) != owner.ref]
    return Missing(owner, reference, _elsewhere(target, namesakes) or did_you_mean(target.name, names), namesakes)


def _elsewhere(target: Ref, namesakes: Sequence[Ref]) -> str:
    spaces = [ref.namespace for ref in namesakes if ref.kind == target.kind and ref.namespace]
    return f"; it exists in namespace {spaces[0]}" if spaces else ""
