"""The few things that are ever written to a cluster: one field or annotation of one Flux object, as ``fluxdoctor``.

What they are, and what the controllers make of them, is as the flux command has it (flux2 cmd/flux/reconcile.go, suspend.go,
resume.go; fluxcd/pkg apis/meta): any change of the annotation ``reconcile.fluxcd.io/requestedAt`` asks for a reconciliation,
whose value the controller puts into ``status.lastHandledReconcileAt``; a HelmRelease takes ``forceAt`` and ``resetAt`` only where
their value is that of ``requestedAt``. Resuming takes spec.suspend away, so that nobody owns it afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Writer:
    """Reads and writes single Flux objects. Every method may raise ApiError."""

    api: Api
    dry_run: bool = False

    def served(self, ref: Ref) -> Served:
        """Return how an object's kind is served. Raises ApiError where it is not."""
        group = KINDS[ref.kind].group
        found = discover(self.api, {group}).of(group, ref.kind)
        if found is None:
            raise ApiError(404, f"{ref.kind} is not a kind that this API server serves")
        return found

    def get(self, served: Served, ref: Ref) -> Resource:
        """Return an object as it is now."""
        return Resource(body=self.api.get(served.path(ref.namespace, ref.name)), ref=ref)

    def annotate(self, served: Served, ref: Ref, annotations: dict[str, str | None]) -> Resource:
        """Set annotations; None takes one away."""
        return self._patch(served, ref, {"metadata": {"annotations": annotations}})

    def suspend(self, served: Served, ref: Ref, reason: str) -> Resource:
        """Set spec.suspend, and say who did so and why."""
        return self._patch(served, ref, {"metadata": {"annotations": {REASON: reason}}, "spec": {"suspend": True}})

    def resume(self, served: Served, ref: Ref) -> Resource:
        """Take spec.suspend and its reason away."""
        return self._patch(served, ref, {"metadata": {"annotations": {REASON: None}}, "spec": {"suspend": None}})

    def user(self) -> str:
        """Return who the API server takes us for, "" where it does not say (Kubernetes before 1.28)."""
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        try:
            return Fields(self.api.send("POST", _REVIEW, asked, {})).text("status.userInfo.username")
        except ApiError:
            return ""

    def _patch(self, served: Served, ref: Ref, body: dict[str, Any]) -> Resource:
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict", **({"dryRun": "All"} if self.dry_run else {})}
        return Resource(body=self.api.send("PATCH", served.path(ref.namespace, ref.name), body, query, _MERGE), ref=ref)


def appliers_of_suspend(resource: Resource) -> tuple[str, ...]:
    """Return the field managers that apply spec.suspend: who puts it back at the next apply (server-side apply)."""
    rows = resource.rows("metadata.managedFields")
    return tuple(
        row.text("manager")
        for row in rows
        if row.text("operation") == "Apply" and row.has(("fieldsV1", "f:spec", "f:suspend"))
    )


def changers_since_suspended(resource: Resource) -> tuple[tuple[str, str], ...]:
    """Return who changed the spec of an object after it was suspended, and when (RFC 3339), by its managed fields.

    The API server keeps one time for all that a manager owns, in whole seconds: what came in the second of the suspension is not
    told. observedGeneration does not answer it: kustomize-controller 1.9 goes on writing that of a suspended object.
    """
    rows = resource.rows("metadata.managedFields")
    suspended = [row.text("time") for row in rows if row.has(("fieldsV1", "f:spec", "f:suspend"))]
    later = (row for row in rows if suspended and row.text("time") > max(suspended))
    return tuple((row.text("manager"), row.text("time")) for row in later if row.has(("fieldsV1", "f:spec")))
