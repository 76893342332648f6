"""Reconcile, suspend and resume one Flux object, wait for its controller, and return the outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from mcp.server.mcpserver.exceptions import ToolError

from fluxdoctor.collect.kube.api import Api, ApiError
from fluxdoctor.collect.kube.discovery import Served
from fluxdoctor.collect.kube.login import ClusterError, ClusterLogin, connect
from fluxdoctor.collect.kube.write import (
    REASON,
    REQUESTED,
    Progress,
    Writer,
    appliers_of_suspend,
    changers_since_suspended,
)
from fluxdoctor.collect.net.deadline import DeadlineError
from fluxdoctor.mcp import render
from fluxdoctor.mcp.answers import ChangeOutcome
from fluxdoctor.mcp.quote import quoted, ref
from fluxdoctor.mcp.sessions import CallContext
from fluxdoctor.model import flux
from fluxdoctor.model.flux import Edge
from fluxdoctor.model.resource import Ref, Resource

#: The kinds that have spec.suspend, and those that also answer requests. Flux 2.9; ExternalArtifact has no spec to suspend.
SUSPENDABLE = tuple(
    k.name for k in flux.KINDS.values() if k.group.endswith("toolkit.fluxcd.io") and k.name != "ExternalArtifact"
)
RECONCILABLE = tuple(name for name in SUSPENDABLE if flux.KINDS[name].status)
_PAUSE = 0.5


@dataclass(frozen=True)
class Change:
    """One change: of which object, by whom, until when."""

    writer: Writer
    served: Served
    target: Ref
    call: CallContext
    now: Resource
    began: float

    def outcome(self, action: str, changed: list[str], **more: object) -> ChangeOutcome:
        """Return the outcome so far."""
        return ChangeOutcome.model_validate(
            {
                "object": render.thing(self.target), "action": action, "dry_run": self.writer.dry_run, "changed": changed,
                "revision_before": quoted(flux.short(flux.revision(self.now)), 100), **more,
            }
        )  # fmt: skip

    def wait(self, outcome: ChangeOutcome, done: Callable[[Resource], bool]) -> ChangeOutcome:
        """Wait until the controller has handled the change and reports its result, or until the call's deadline."""
        self.call.tell(f"waiting for {flux.KINDS[self.target.kind].controller}")
        resource, note = self.now, ""
        try:
            while True:
                resource = self.writer.get(self.served, self.target)
                outcome.handled = done(resource)
                ready = flux.condition(resource, "Ready")
                if outcome.handled and (ready is None or ready.status != "Unknown"):
                    break
                self.call.deadline.sleep(_PAUSE)
        except (DeadlineError, ApiError) as error:
            if isinstance(error, ApiError) and not self.call.deadline.over():
                note = f"the change was written, but its result could not be read: {quoted(error.why, 200)}"
                return self._finished(outcome, resource, note)
            what = (
                "is still reconciling" if outcome.handled else "has not handled the request; to check it, call diagnose"
            )
            note = f"timed out: {flux.KINDS[self.target.kind].controller} {what}"
        return self._finished(outcome, resource, note)

    def _finished(self, outcome: ChangeOutcome, resource: Resource, note: str) -> ChangeOutcome:
        if ready := flux.condition(resource, "Ready"):
            outcome.ready, outcome.reason, outcome.message = (
                ready.status,
                quoted(ready.reason, 80),
                quoted(ready.message),
            )
        outcome.revision_after = quoted(flux.short(flux.revision(resource)), 100)
        outcome.seconds = round(time.monotonic() - self.began, 1)
        outcome.note = outcome.note or note
        return outcome


class ChangeLog:
    """How far each change of a call is, for whoever must answer if the call does not end by itself."""

    def __init__(self, call: CallContext) -> None:
        self._call = call
        self._progress: dict[Ref, Progress] = {}

    def report(self, target: Ref, progress: Progress) -> None:
        """Take note of a change, and tell the server."""
        self._progress[target] = progress
        self._call.mark(self.text())

    def text(self) -> str:
        """Return what became of the changes, and what to do; "" if nothing was changed."""
        sent = ", ".join(ref(target) for target, progress in self._progress.items() if progress is Progress.SENT)
        done = ", ".join(ref(target) for target, progress in self._progress.items() if progress is Progress.DONE)
        parts = [f"{done} was changed, and the outcome is unknown"] if done else []
        parts += [f"it is unknown whether the change of {sent} was carried out"] if sent else []
        return f"{'; '.join(parts)}: check the object before you try again" if parts else ""


@contextmanager
def writing(login: ClusterLogin, call: CallContext, *, dry_run: bool) -> Iterator[Writer]:
    """Connect for a change. Raises ToolError, also for what goes wrong inside."""
    changes = ChangeLog(call)
    try:
        with connect(login, call.deadline) as connection:
            yield Writer(Api(connection, call.deadline), dry_run, changes.report)
    except ClusterError as error:
        raise ToolError(quoted(str(error))) from None
    except ApiError as error:
        outcome = f"; {changes.text()}" if changes.text() else ""
        raise ToolError(
            f"the API server rejected the request or did not answer: {quoted(error.why, 300)}{outcome}"
        ) from None


def begin(writer: Writer, target: Ref, call: CallContext) -> Change:
    """Look the object up. Raises ApiError."""
    served = writer.served(target)
    return Change(writer, served, target, call, writer.get(served, target), time.monotonic())


@dataclass(frozen=True)
class ChangeRequest:
    """How to reconcile: which objects may be changed (raises ToolError for another), its source first, with what else."""

    permit: Callable[[Ref], None]
    with_source: bool = False
    extra: tuple[str, ...] = ()


def reconcile(writer: Writer, target: Ref, call: CallContext, how: ChangeRequest) -> ChangeOutcome:
    """Request a reconciliation, of the source first if ``how`` says so, and wait for it. Raises ApiError, ToolError."""
    how.permit(target)
    change = begin(writer, target, call)
    if change.now.flag("spec.suspend"):
        raise ToolError(f"{ref(target)} is suspended, so its controller does not reconcile it; resume it first")
    if flux.is_oci_helm_repository(change.now):
        return change.outcome(
            "reconcile",
            [],
            handled=True,
            note="a HelmRepository of type oci is static, so there is nothing to reconcile",
        )
    source = _source(change.now) if how.with_source else None
    first = None
    if source and source.kind in RECONCILABLE:
        first = reconcile(writer, source, call, ChangeRequest(how.permit, with_source=source.kind == "HelmChart"))
        if not writer.dry_run and (not first.handled or first.ready == "False"):
            note = f"{ref(source)} did not become ready, so {ref(target)} was not reconciled"
            return change.outcome("reconcile", [], source=first, note=note)
    token = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    before = change.now.text("status.lastHandledReconcileAt")
    keys = (REQUESTED, *how.extra)
    writer.annotate(change.served, target, dict.fromkeys(keys, token))
    outcome = change.outcome("reconcile", [f"metadata.annotations[{key}]" for key in keys], source=first)
    if how.with_source and first is None:
        outcome.note = "the object has no source that can be reconciled"
    if writer.dry_run:
        return outcome
    return change.wait(outcome, lambda now: now.text("status.lastHandledReconcileAt") not in ("", before))


def _source(resource: Resource) -> Ref | None:
    """Return what is reconciled first: the HelmChart that helm-controller makes, else what is named."""
    by_edge = {r.edge: r.target for r in flux.references(resource)}
    return next((by_edge[e] for e in (Edge.HELM_CHART, Edge.CHART_REF, Edge.SOURCE) if e in by_edge), None)


def suspend(writer: Writer, target: Ref, call: CallContext, reason: str) -> ChangeOutcome:
    """Suspend reconciliation, and record who did so and why. Raises ApiError."""
    change = begin(writer, target, call)
    if change.now.flag("spec.suspend"):
        why = quoted(change.now.annotation(REASON), 200) or "no reason was recorded"
        return change.outcome("suspend", [], handled=True, note=f"the object is already suspended: {why}")
    who = writer.user() or "an unknown user"
    at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    now = writer.suspend(change.served, target, f"{reason} (by {who}, {at}, with fluxdoctor)")
    return change.outcome(
        "suspend", ["spec.suspend", f"metadata.annotations[{REASON}]"], handled=True, note=_put_back(now)
    )


def resume(writer: Writer, target: Ref, call: CallContext) -> ChangeOutcome:
    """Resume reconciliation, wait for the first one, and return what changed meanwhile. Raises ApiError."""
    change = begin(writer, target, call)
    if not change.now.flag("spec.suspend"):
        return change.outcome("resume", [], handled=True, note="the object is not suspended")
    meanwhile = _meanwhile(change)
    after = writer.resume(change.served, target)
    changed = ["spec.suspend", f"metadata.annotations[{REASON}]"]
    outcome = change.outcome("resume", changed, meanwhile=meanwhile, note=_put_back(change.now))
    if writer.dry_run or target.kind not in RECONCILABLE or flux.is_oci_helm_repository(change.now):
        return outcome
    generation = after.number("metadata.generation")
    return change.wait(outcome, lambda now: now.number("status.observedGeneration") >= generation)


def _put_back(resource: Resource) -> str:
    managers = appliers_of_suspend(resource)
    names = ", ".join(quoted(m, 60) for m in managers)
    return f"spec.suspend is also applied by {names}, which will set it again; change it in git too" if managers else ""


def _meanwhile(change: Change) -> list[str]:
    """Return what happened during the pause: who began it, and whether the source has a new revision."""
    events = []
    if why := change.now.annotation(REASON):
        events.append(f"suspended: {quoted(why, 200)}")
    events += [f"spec changed by {quoted(who, 60)} at {at}" for who, at in changers_since_suspended(change.now)]
    source = _source(change.now)
    if source is None or source.kind not in flux.KINDS:
        return events
    try:
        there = change.writer.get(change.writer.served(source), source)
    except ApiError as error:
        return [*events, f"{ref(source)} could not be read: {quoted(error.why, 200)}"]
    applied, offered = flux.revision(change.now), flux.revision(there)
    if offered and offered != applied:
        revision = quoted(flux.short(applied), 100) or "none"
        events.append(f"{ref(source)} has revision {quoted(flux.short(offered), 100)}; revision {revision} is applied")
    elif offered:
        events.append(f"{ref(source)} has no new revision")
    return events
