"""The objects of a cluster that were read, and what could not be read. An unknown object is never reported as absent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import NamedTuple

from fluxdoctor.model import flux
from fluxdoctor.model.finding import Unknown
from fluxdoctor.model.gaps import Gap, GapReason, KindScope, Scope
from fluxdoctor.model.memo import Memo
from fluxdoctor.model.resource import Ref, Resource


class Sight(Enum):
    """What is known of an object."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Lookup(NamedTuple):
    """The result of a look-up: the object, its absence, or why neither is known. A named tuple, because there are thousands."""

    sight: Sight
    resource: Resource | None = None
    gap: Gap | None = None

    @property
    def present(self) -> bool:
        """Tell whether the object was read."""
        return self.sight is Sight.PRESENT

    @property
    def absent(self) -> bool:
        """Tell whether the object does not exist: its kind was listed in full, or its own lookup returned nothing."""
        return self.sight is Sight.ABSENT

    @property
    def unknown(self) -> bool:
        """Tell whether neither is known; ``gap`` is the reason."""
        return self.sight is Sight.UNKNOWN

    @property
    def why(self) -> str:
        """Return the reason of an unknown as a sentence; "" if the object is present or absent."""
        return str(self.gap) if self.gap else ""

    def as_unknown(self, subject: Ref) -> Unknown:
        """Return what a rule yields if it cannot judge a subject because this object is unknown."""
        return Unknown(subject, self.why, self.gap)


@dataclass(frozen=True, slots=True)
class Event:
    """A Kubernetes event about one object."""

    type: str
    reason: str
    message: str
    at: datetime | None
    count: int = 1


#: The kinds that were listed in full, and in which namespaces (None: in all).
Listed = Mapping[str, frozenset[str] | None]


class Cluster(Memo):
    """The Kubernetes objects that were read, and what could not be read."""

    def __init__(
        self,
        resources: Iterable[Resource] = (),
        *,
        listed: Listed | None = None,
        absent: Iterable[Ref] = (),
        gaps: Iterable[Gap] = (),
        events: Mapping[Ref, Sequence[Event]] | None = None,
    ) -> None:
        """Index the objects by identity and kind; a later object replaces an earlier one with the same identity.

        ``listed``: the kinds that were read in full. ``absent``: single objects that do not exist. ``gaps``: what could not be
        read. ``events``: by object, newest first.
        """
        self._by_ref = {r.ref: r for r in resources}
        by_kind: dict[str, list[Resource]] = {}
        for ref in sorted(self._by_ref):
            by_kind.setdefault(ref.kind, []).append(self._by_ref[ref])
        self._by_kind = {kind: tuple(resources) for kind, resources in by_kind.items()}
        self.listed: Listed = dict(listed or {})
        self.absent = frozenset(absent)
        self.gaps = tuple(gaps)
        self._events = dict(events or {})
        self._full_views: dict[tuple[str, str], bool] = {}

    def __len__(self) -> int:
        return len(self._by_ref)

    def __iter__(self) -> Iterator[Resource]:
        for kind in sorted(self._by_kind):
            yield from self._by_kind[kind]

    def all(self, *kinds: str) -> tuple[Resource, ...]:
        """Return the objects of these kinds, sorted by kind, namespace and name."""
        if len(kinds) == 1:
            return self._by_kind.get(kinds[0], ())
        return tuple(r for kind in sorted(set(kinds)) for r in self._by_kind.get(kind, ()))

    def active(self, *kinds: str) -> tuple[Resource, ...]:
        """Return the objects of these kinds, all kinds of Flux if none is given, that their controller reconciles.

        That is: not suspended, not being deleted. Rules judge these.
        ``all`` is for the few rules about suspended or terminating objects.
        """
        if len(kinds) == 1:
            return self.memo(_active, kinds[0])
        return tuple(r for kind in sorted(set(kinds or flux.KINDS)) for r in self.memo(_active, kind))

    def get(self, ref: Ref) -> Resource | None:
        """Return the object if it was read. None does not mean that it is absent: see ``look``."""
        return self._by_ref.get(ref)

    def look(self, ref: Ref) -> Lookup:
        """Return whether an object is present, absent, or unknown and why."""
        if resource := self._by_ref.get(ref):
            return Lookup(Sight.PRESENT, resource)
        if self.is_absent(ref):
            return Lookup(Sight.ABSENT)
        return Lookup(Sight.UNKNOWN, gap=self._gap_of(ref))

    def is_absent(self, ref: Ref) -> bool:
        """Return the same as ``look(ref).absent`` without building a Lookup; for hot loops."""
        scope = ref[:2]
        is_full = self._full_views.get(scope)
        if is_full is None:
            is_full = self._full_views[scope] = self._is_full_view(ref.kind, ref.namespace)
        return (is_full or ref in self.absent) and ref not in self._by_ref and ref not in self._unread

    def _is_full_view(self, kind: str, namespace: str) -> bool:
        """Tell whether an object of the kind in the namespace that was not read is absent.

        That is so if the kind was listed there, or if the namespace itself is absent.
        """
        return self._listed(kind, namespace) or (bool(namespace) and self.is_absent(Ref("Namespace", "", namespace)))

    def _listed(self, kind: str, namespace: str) -> bool:
        is_contradicted = bool(namespace) and KindScope(kind, namespace) in self._gap_numbers
        if kind not in self.listed or is_contradicted:  # a list that also has a gap is not complete
            return False
        namespaces = self.listed[kind]
        return namespaces is None or namespace in namespaces

    @cached_property
    def _unread(self) -> frozenset[Ref]:
        """The single objects that could not be read."""
        return frozenset(gap.scope for gap in self.gaps if isinstance(gap.scope, Ref))

    def _gap_of(self, ref: Ref) -> Gap:
        gap = self._gap(ref)
        return Gap(ref, gap.reason, gap.why) if gap else Gap(ref, GapReason.NOT_COLLECTED, "not read")

    def _gap(self, ref: Ref) -> Gap | None:
        scopes: tuple[Scope, ...] = (KindScope(ref.kind), KindScope(ref.kind, ref.namespace), ref)
        number = min((self._gap_numbers[s] for s in scopes if s in self._gap_numbers), default=None)
        return None if number is None else self.gaps[number]

    @cached_property
    def _gap_numbers(self) -> dict[Scope, int]:
        """The first gap of each scope."""
        return {gap.scope: number for number, gap in reversed(list(enumerate(self.gaps)))}

    def required_access(self, ref: Ref) -> str:
        """Return what would show an unknown object: the permission that is missing, or why it could not be read."""
        gap = self._gap_of(ref)
        is_permission = gap.reason.is_denied or gap.reason is GapReason.NOT_COLLECTED
        return f"needs get on {ref}" if is_permission else str(gap)

    def pods_hidden(self, workload: Ref) -> str:
        """Return why no Pod of a workload was read although there may be some; "" if Pods were read or there are none.

        The reason is the permission that is missing, or the error.
        """
        pods = Ref("Pod", workload.namespace, "")
        gap = self._gap(pods)
        if gap is None or self.get(workload) is None or self.pods(workload):
            return ""
        return f"needs list on {gap.scope}" if gap.reason.is_denied else str(gap)

    def saw_all(self, kind: str, namespace: str = "") -> bool:
        """Tell whether every object of the kind was read, in the namespace or in all namespaces."""
        namespaces = self.listed.get(kind, frozenset())
        return namespaces is None or (bool(namespace) and namespace in namespaces)

    def events(self, ref: Ref) -> tuple[Event, ...]:
        """Return the events about an object, newest first."""
        return tuple(self._events.get(ref, ()))

    @property
    def event_refs(self) -> tuple[Ref, ...]:
        """Return the objects that have events, sorted."""
        return tuple(sorted(self._events))

    def names(self, kind: str, namespace: str) -> tuple[str, ...]:
        """Return the names of the objects of a kind in a namespace that were read, sorted."""
        return tuple(self._names.get((kind, namespace), ()))

    @cached_property
    def _names(self) -> dict[tuple[str, str], list[str]]:
        names: dict[tuple[str, str], list[str]] = {}
        for ref in sorted(self._by_ref):
            names.setdefault((ref.kind, ref.namespace), []).append(ref.name)
        return names

    @cached_property
    def flux(self) -> tuple[Resource, ...]:
        """Every Flux object."""
        return self.all(*flux.KINDS)

    @cached_property
    def _controllers(self) -> dict[str, list[Resource]]:
        by_name: dict[str, list[Resource]] = {}
        for deployment in self.all("Deployment"):
            component = deployment.label("app.kubernetes.io/component")
            for name in {deployment.name, component} & set(flux.CONTROLLERS):
                by_name.setdefault(name, []).append(deployment)
        return by_name

    def controllers(self, name: str) -> tuple[Resource, ...]:
        """Return the Deployments that run a Flux controller (one, or one for each shard)."""
        return tuple(self._controllers.get(name, ()))

    @cached_property
    def _children(self) -> dict[Ref, list[Resource]]:
        by_owner: dict[Ref, list[Resource]] = {}
        for resource in self.all("Pod", "ReplicaSet", "Job"):
            for row in resource.rows("metadata.ownerReferences"):
                by_owner.setdefault(Ref(row.text("kind"), resource.namespace, row.text("name")), []).append(resource)
        return by_owner

    def pods(self, workload: Ref) -> tuple[Resource, ...]:
        """Return the Pods that a workload owns, directly or through ReplicaSets and Jobs, sorted."""
        pods: list[Resource] = []
        for child in self._children.get(workload, ()):
            pods.extend([child] if child.kind == "Pod" else self.pods(child.ref))
        return tuple(sorted(pods, key=lambda pod: pod.ref))


def _active(cluster: Cluster, kind: str) -> tuple[Resource, ...]:
    return tuple(r for r in cluster.all(kind) if not flux.is_suspended(r) and not flux.is_terminating(r))
