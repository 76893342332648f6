"""The failing objects of a cluster, and what their controllers report about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from fluxdoctor.model import flux
from fluxdoctor.model.cluster import Cluster, Event
from fluxdoctor.model.finding import Evidence, EvidenceKind
from fluxdoctor.model.flux import State
from fluxdoctor.model.resource import Condition, Ref, Resource
from fluxdoctor.model.times import age, moment

#: Conditions whose message may be more specific than that of Ready, the most direct first.
_CONDITIONS = (
    "Ready", "Stalled", "FetchFailed", "BuildFailed", "StorageOperationFailed", "SourceVerified", "IncludeUnavailable",
    "Released", "TestSuccess", "Healthy",
)  # fmt: skip
#: Conditions whose status is True in case of a failure.
_NEGATIVE = frozenset({"Stalled", "FetchFailed", "BuildFailed", "StorageOperationFailed", "IncludeUnavailable"})
#: An object is flapping if it changed this many times between failure and success within the window.
_FLAPS, _WINDOW = 3, timedelta(hours=6)
_HELM_LOGS = "\n\nLast Helm logs:"


@dataclass(frozen=True, slots=True)
class Words:
    """A message of a controller about an object, its reason, what holds it (a condition or an event), and since when."""

    message: str
    reason: str
    kind: EvidenceKind
    where: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A Flux object that fails, waits or is new, and the messages of its controller, the most direct first."""

    resource: Resource
    state: State
    words: tuple[Words, ...]
    previous: tuple[Words, ...] = ()
    """The messages about an older generation, if the controller has not reported on the current one."""

    @property
    def ref(self) -> Ref:
        """The object."""
        return self.resource.ref

    @property
    def since(self) -> datetime | None:
        """Return when it began, or None if that is unknown."""
        return next((words.since for words in (*self.words, *self.previous) if words.since), None)

    @property
    def message(self) -> str:
        """Return the most direct message, or ""."""
        return self.words[0].message if self.words else ""


def _is_older(condition: Condition, resource: Resource) -> bool:
    """Tell whether a condition is about an older generation of the spec (every Flux controller sets it, since 2.0)."""
    return 0 < condition.generation < resource.number("metadata.generation")


def _is_outdated(resource: Resource) -> bool:
    """Tell whether an object's failure is about an older generation, and the controller has not reported on the current one."""
    ready = flux.condition(resource, "Ready")
    return ready is not None and ready.status == "False" and _is_older(ready, resource)


def _condition_words(resource: Resource) -> Iterator[Words]:
    is_outdated = _is_outdated(resource)
    by_type = {c.type: c for c in flux.conditions(resource)}
    for type_ in _CONDITIONS:
        c = by_type.get(type_)
        is_failure = c is not None and c.message and c.status == ("True" if type_ in _NEGATIVE else "False")
        if c and is_failure and (is_outdated or not _is_older(c, resource)):
            yield Words(
                _without_logs(c.message), c.reason, EvidenceKind.CONDITION, f"condition {c.type}={c.status}", c.since
            )


def _waiting_words(ready: Condition) -> Words:
    return Words(ready.message, ready.reason, EvidenceKind.CONDITION, "condition Ready=Unknown", ready.since)


def _event_words(cluster: Cluster, resource: Resource, after: datetime | None) -> Iterator[Words]:
    for event in cluster.events(resource.ref):
        is_recent = after is None or event.at is None or event.at >= after
        if event.type == "Warning" and event.message and is_recent:
            yield Words(_without_logs(event.message), event.reason, EvidenceKind.EVENT, "event", event.at)


def _without_logs(message: str) -> str:
    """Return the message without Helm's log lines, which follow the error in events, and before Flux 2.2 in conditions."""
    return message.partition(_HELM_LOGS)[0].strip()


def _has_masked_failure(resource: Resource) -> bool:
    """Tell whether a Ready HelmRelease has failures: after a failed upgrade that stored nothing, only status.failures shows it.

    (helm-controller 1.6.)
    """
    return resource.kind == "HelmRelease" and resource.number("status.failures") > 0


def _earliest_event(resource: Resource, state: State) -> datetime | None:
    """Return the time from which events are about the current failure; None if all are.

    Older events are about another failure. Helm runs for up to the timeout before the status changes, so that much earlier is
    early enough. status.failures stays after a retry that succeeded (helm-controller 1.6): a release that was deployed after
    an event has recovered from it.
    """
    ready = flux.condition(resource, "Ready")
    began = ready.since - flux.timeout(resource) - timedelta(minutes=1) if ready and ready.since else None
    deployed = moment(resource.text("status.history.0.lastDeployed")) if state is State.READY else None
    return max((at for at in (began, deployed) if at), default=None)


class Failures:
    """The Flux objects that fail, wait or are new, sorted by identity."""

    def __init__(self, cluster: Cluster, taken: datetime, *, declared: bool = False) -> None:
        """``taken``: the time of the snapshot. ``declared``: the objects come from files, so a missing status means nothing."""
        self._declared = declared
        self._cluster = cluster
        self.taken = taken

    @cached_property
    def _states(self) -> tuple[tuple[Resource, State], ...]:
        return tuple((resource, flux.state(resource)) for resource in self._cluster.flux)

    @cached_property
    def ready(self) -> frozenset[Ref]:
        """The Flux objects that are Ready."""
        return frozenset(resource.ref for resource, state in self._states if state is State.READY)

    @cached_property
    def all(self) -> tuple[Failure, ...]:
        """Every Flux object that is not Ready, and the Ready ones whose status counts failures."""
        return tuple(f for resource, state in self._states if (f := self._read(resource, state)))

    def _read(self, resource: Resource, state: State) -> Failure | None:
        if state is State.FAILED or (state is State.READY and _has_masked_failure(resource)):
            if _is_outdated(resource):
                return Failure(resource, state, (), tuple(_condition_words(resource)))
            events = _event_words(self._cluster, resource, _earliest_event(resource, state))
            words = tuple(dict.fromkeys((*_condition_words(resource), *events)))
            return Failure(resource, state, words) if words or state is State.FAILED else None
        if state in (State.PROGRESSING, State.NEW) and not self._declared:
            ready = flux.condition(resource, "Ready")
            return Failure(resource, state, (_waiting_words(ready),) if ready else ())
        return None

    @cached_property
    def failed(self) -> tuple[Failure, ...]:
        """The objects whose status reports a failure."""
        return tuple(f for f in self.all if f.state in (State.FAILED, State.READY))

    @cached_property
    def waiting(self) -> tuple[Failure, ...]:
        """The objects whose controller is reconciling them, or has not begun."""
        return tuple(f for f in self.all if f.state in (State.PROGRESSING, State.NEW))

    @cached_property
    def _by_ref(self) -> dict[Ref, Failure]:
        return {f.ref: f for f in self.all}

    def of(self, ref: Ref) -> Failure | None:
        """Return the failure of an object, or None if it is healthy or unknown."""
        return self._by_ref.get(ref)

    def flaps(self, ref: Ref) -> str:
        """Return how an object flaps between failure and success, by its events of the last 6 hours; "" if it does not."""
        recent = [(e.at, e) for e in self._cluster.events(ref) if e.at and self.taken - e.at < _WINDOW and _outcome(e)]
        outcomes = [_outcome(event) for _, event in sorted(recent, key=lambda pair: pair[0])]
        changes = sum(a != b for a, b in pairwise(outcomes))
        if changes < _FLAPS:
            return ""
        failures = sum(e.count for _, e in recent if _outcome(e) == "failed")
        period = age(min(at for at, _ in recent), self.taken)
        return f"{failures} failures with successes in between, in the last {period}"


def _outcome(event: Event) -> str:
    """Return "failed" or "succeeded" for an event about the result of a reconciliation, "" for any other."""
    if event.type == "Warning":
        return "failed"
    return "succeeded" if event.reason.endswith(("Succeeded", "Succeed")) or event.reason == "NewArtifact" else ""


def quote(words: Words, ref: Ref) -> Evidence:
    """Return a controller's message as evidence, on one line."""
    return Evidence(words.kind, f'{words.reason}: "{" ".join(words.message.split())}"', f"{ref} {words.where}")
