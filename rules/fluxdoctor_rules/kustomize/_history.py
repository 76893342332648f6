"""What kustomize-controller writes down of its reconciliations: status.history (kustomize-controller 1.7)."""

from datetime import datetime

from fluxdoctor import Resource, moment


def last_reconciled(kustomization: Resource) -> datetime | None:
    """Return when a Kustomization was last reconciled; None where its history does not say."""
    return kustomization.once("last reconciled", _last)


def _last(kustomization: Resource) -> datetime | None:
    rows = kustomization.get("status.history")
    said = [row.get("lastReconciled") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else ()
    return max((at for text in said if isinstance(text, str) and (at := moment(text))), default=None)
