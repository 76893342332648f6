"""Changes single Flux objects in a cluster: one field or annotation each, under the field manager ``fluxdoctor``.

The changes and their effects are those of the flux command (flux2 cmd/flux/reconcile.go, suspend.go, resume.go; fluxcd/pkg
apis/meta): any change of the annotation ``reconcile.fluxcd.io/requestedAt`` requests a reconciliation, and the controller
copies its value to ``status.lastHandledReconcileAt``; a HelmRelease obeys ``forceAt`` and ``resetAt`` only if their value equals
``requestedAt``. Resuming removes spec.suspend, so that no field manager owns it afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from fluxdoctor.collect.kube.api import Api, ApiError
from fluxdoctor.collect.kube.discovery import Served, discover
from fluxdoctor.model.flux import KINDS
from fluxdoctor.model.resource import Fields, Ref, Resource

MANAGER = "fluxdoctor"
REQUESTED = "reconcile.fluxcd.io/requestedAt"
FORCE, RESET = "reconcile.fluxcd.io/forceAt", "reconcile.fluxcd.io/resetAt"
REASON = "suspend.toolkit.fluxcd.io/reason"
_MERGE = "application/merge-patch+json"
_REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_REFUSALS = (400, 499)  # with another status, or without an answer, a change may have been made


class Progress(Enum):
    """How far a change is: sent to the API server, done, or refused by it."""

    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True)
class Writer:
    """Reads and writes single Flux objects. Every method can raise ApiError.

    ``report`` is called before and after each change with how far it is.
    """

    api: Api
    dry_run: bool = False
    report: Callable[[Ref, Progress], object] = lambda *_: None

    def served(self, ref: Ref) -> Served:
        """Return how an object's kind is served. Raises ApiError if it is not served."""
        group = KINDS[ref.kind].group
        served = discover(self.api, {group}).of(group, ref.kind)
        if served is None:
            raise ApiError(404, f"the API server does not serve kind {ref.kind}")
        return served

    def get(self, served: Served, ref: Ref) -> Resource:
        """Return the current state of an object."""
        return Resource(body=self.api.get(served.path(ref.namespace, ref.name)), ref=ref)

    def annotate(self, served: Served, ref: Ref, annotations: dict[str, str | None]) -> Resource:
        """Set annotations; None removes one."""
        return self._patch(served, ref, {"metadata": {"annotations": annotations}})

    def suspend(self, served: Served, ref: Ref, reason: str) -> Resource:
        """Set spec.suspend, and the annotation with the reason."""
        return self._patch(served, ref, {"metadata": {"annotations": {REASON: reason}}, "spec": {"suspend": True}})

    def resume(self, served: Served, ref: Ref) -> Resource:
        """Remove spec.suspend and the annotation with its reason."""
        return self._patch(served, ref, {"metadata": {"annotations": {REASON: None}}, "spec": {"suspend": None}})

    def user(self) -> str:
        """Return the username for the API server, "" if it does not tell (Kubernetes before 1.28)."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        try:
            return Fields(self.api.send("POST", _REVIEW, review, {})).text("status.userInfo.username")
        except ApiError:
            return ""

    def _patch(self, served: Served, ref: Ref, body: dict[str, Any]) -> Resource:
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict", **({"dryRun": "All"} if self.dry_run else {})}
        path = served.path(ref.namespace, ref.name)
        if self.dry_run:
            return Resource(body=self.api.send("PATCH", path, body, query, _MERGE), ref=ref)
        self.report(ref, Progress.SENT)
        try:
            answer = self.api.send("PATCH", path, body, query, _MERGE)
        except ApiError as error:
            if _REFUSALS[0] <= error.status <= _REFUSALS[1]:
                self.report(ref, Progress.REFUSED)
            raise
        self.report(ref, Progress.DONE)
        return Resource(body=answer, ref=ref)


def appliers_of_suspend(resource: Resource) -> tuple[str, ...]:
    """Return the field managers that apply spec.suspend, and would restore it at their next server-side apply."""
    rows = resource.rows("metadata.managedFields")
    return tuple(
        row.text("manager")
        for row in rows
        if row.text("operation") == "Apply" and row.has(("fieldsV1", "f:spec", "f:suspend"))
    )


def changers_since_suspended(resource: Resource) -> tuple[tuple[str, str], ...]:
    """Return the field managers that changed the spec of an object after it was suspended, and when (RFC 3339).

    The API server stores one time for all fields of a manager, in whole seconds: a change in the same second as the suspension
    is not returned. observedGeneration is no help: kustomize-controller 1.9 still updates it for a suspended object.
    """
    rows = resource.rows("metadata.managedFields")
    suspension_times = [row.text("time") for row in rows if row.has(("fieldsV1", "f:spec", "f:suspend"))]
    later_rows = (row for row in rows if suspension_times and row.text("time") > max(suspension_times))
    return tuple((row.text("manager"), row.text("time")) for row in later_rows if row.has(("fieldsV1", "f:spec")))
