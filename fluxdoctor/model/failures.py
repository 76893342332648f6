"""The failing objects of a cluster and the controllers' own words about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from fluxdoctor.model import flux
from fluxdoctor.model.cluster import Cluster, Event
from fluxdoctor.model.finding import Evidence
from fluxdoctor.model.flux import State
from fluxdoctor.model.resource import Condition, Ref, Resource
from fluxdoctor.model.times import age, moment

#: Conditions that may hold a better message than Ready does, in the order in which they are believed.
_DETAIL = (
    "Ready", "Stalled", "FetchFailed", "BuildFailed", "StorageOperationFailed", "SourceVerified", "IncludeUnavailable",
    "Released", "TestSuccess", "Healthy",
)  # fmt: skip
_NEGATIVE = frozenset({"Stalled", "FetchFailed", "BuildFailed", "StorageOperationFailed", "IncludeUnavailable"})
#: An object flaps that changed so many times between failure and success within the window.
_FLAPS, _WINDOW = 3, timedelta(hours=6)
_HELM_LOGS = "\n\nLast Helm logs:"


@dataclass(frozen=True, slots=True)
class Words:
    """One message of a controller about an object: where it was said, the reason, and since when."""

    message: str
    reason: str
    where: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A Flux object that is not well, and what its controller says, the most direct first."""

    resource: Resource
    state: State
    words: tuple[Words, ...]
    past: tuple[Words, ...] = ()
    """What was said of an older generation, where nothing was said of the present one."""

    @property
    def ref(self) -> Ref:
        """The object."""
        return self.resource.ref

    @property
    def since(self) -> datetime | None:
        """When it began."""
        return next((w.since for w in (*self.words, *self.past) if w.since), None)

    @property
    def message(self) -> str:
        """The most direct message, or ""."""
        return self.words[0].message if self.words else ""


def _is_older(condition: Condition, resource: Resource) -> bool:
    """A condition says of which generation of the spec it speaks (every Flux controller, since 2.0)."""
    return 0 < condition.generation < resource.number("metadata.generation")


def _is_past(resource: Resource) -> bool:
    """The failure is one of an older generation: nothing was said of the present one yet."""
    ready = flux.condition(resource, "Ready")
    return ready is not None and ready.status == "False" and _is_older(ready, resource)


def _said(resource: Resource) -> Iterator[Words]:
    past = _is_past(resource)
    found = {c.type: c for c in flux.conditions(resource)}
    for type_ in _DETAIL:
        c = found.get(type_)
        told = c is not None and c.message and c.status == ("True" if type_ in _NEGATIVE else "False")
        if c and told and (past or not _is_older(c, resource)):
            yield Words(_without_logs(c.message), c.reason, f"condition {c.type}={c.status}", c.since)


def _heard(cluster: Cluster, resource: Resource, after: datetime | None) -> Iterator[Words]:
    for event in cluster.events(resource.ref):
        recent = after is None or event.at is None or event.at >= after
        if event.type == "Warning" and event.message and recent:
            yield Words(_without_logs(event.message), event.reason, "event", event.at)


def _without_logs(message: str) -> str:
    """Leave Helm's log lines out: they follow the error, in events, and before Flux 2.2 in conditions."""
    return message.partition(_HELM_LOGS)[0].strip()


def _masked(resource: Resource) -> bool:
    """A HelmRelease can be Ready again over a failed upgrade that stored nothing: only status.failures tells (1.6)."""
    return resource.kind == "HelmRelease" and resource.number("status.failures") > 0


def _since(resource: Resource, state: State) -> datetime | None:
    """Events older than the present failure tell of another one; Helm acts for a while before its status changes.

    status.failures stays after a retry that succeeded (helm-controller 1.6): a release that was deployed after the
    event is well again.
    """
    ready = flux.condition(resource, "Ready")
    began = ready.since - flux.timeout(resource) - timedelta(minutes=1) if ready and ready.since else None
    deployed = moment(resource.text("status.history.0.lastDeployed")) if state is State.READY else None
    return max((at for at in (began, deployed) if at), default=None)


class Failures:
    """The Flux objects that are failing, waiting or new, sorted by identity."""

    def __init__(self, cluster: Cluster, taken: datetime, *, declared: bool = False) -> None:
        """Read the states once; the messages when asked for. ``declared``: no controller has seen the objects yet."""
        self._declared = declared
        self._cluster = cluster
        self.taken = taken

    @cached_property
    def _states(self) -> tuple[tuple[Resource, State], ...]:
        return tuple((resource, flux.state(resource)) for resource in self._cluster.flux)

    @cached_property
    def ready(self) -> frozenset[Ref]:
        """The Flux objects that say that they are Ready."""
        return frozenset(resource.ref for resource, state in self._states if state is State.READY)

    @cached_property
    def all(self) -> tuple[Failure, ...]:
        """Every Flux object that is not Ready, and Ready ones whose status counts failures."""
        return tuple(f for resource, state in self._states if (f := self._read(resource, state)))

    def _read(self, resource: Resource, state: State) -> Failure | None:
        if state is State.FAILED or (state is State.READY and _masked(resource)):
            if _is_past(resource):
                return Failure(resource, state, (), tuple(_said(resource)))
            words = tuple(dict.fromkeys((*_said(resource), *_heard(self._cluster, resource, _since(resource, state)))))
            return Failure(resource, state, words) if words or state is State.FAILED else None
        if state in (State.PROGRESSING, State.NEW) and not self._declared:
            ready = flux.condition(resource, "Ready")
            words = (Words(ready.message, ready.reason, "condition Ready=Unknown", ready.since),) if ready else ()
            return Failure(resource, state, words)
        return None

    @cached_property
    def failed(self) -> tuple[Failure, ...]:
        """The objects that say they failed."""
        return tuple(f for f in self.all if f.state in (State.FAILED, State.READY))

    @cached_property
    def waiting(self) -> tuple[Failure, ...]:
        """The objects whose controller is at work, or has not begun."""
        return tuple(f for f in self.all if f.state in (State.PROGRESSING, State.NEW))

    @cached_property
    def _by_ref(self) -> dict[Ref, Failure]:
        return {f.ref: f for f in self.all}

    def of(self, ref: Ref) -> Failure | None:
        """Return the failure of an object, or None when it is well or unknown."""
        return self._by_ref.get(ref)

    def flaps(self, ref: Ref) -> str:
        """Say how an object changes between failure and success, where its events of the last hours show it, or ""."""
        seen = [(e.at, e) for e in self._cluster.events(ref) if e.at and self.taken - e.at < _WINDOW and _outcome(e)]
        told = [_outcome(event) for _, event in sorted(seen, key=lambda pair: pair[0])]
        changes = sum(a != b for a, b in pairwise(told))
        if changes < _FLAPS:
            return ""
        failed = sum(e.count for _, e in seen if _outcome(e) == "failed")
        return f"{failed} failures, and success between them, in {age(min(at for at, _ in seen), self.taken)}"


def _outcome(event: Event) -> str:
    """What an event tells of a reconciliation: that it failed, that it succeeded, or nothing."""
    if event.type == "Warning":
        return "failed"
    return "succeeded" if event.reason.endswith(("Succeeded", "Succeed")) or event.reason == "NewArtifact" else ""


def said(words: Words, ref: Ref) -> Evidence:
    """Return a controller's words as evidence."""
    return Evidence(f'{words.reason}: "{" ".join(words.message.split())}"', f"{ref} {words.where}")
