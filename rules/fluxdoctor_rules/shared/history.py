"""The reconciliations that kustomize-controller records in status.history (kustomize-controller 1.7)."""

from datetime import datetime

from fluxdoctor import Resource, moment


def last_reconciled(kustomization: Resource) -> datetime | None:
    """Return when a Kustomization was last reconciled; None if its history has no time."""
    return kustomization.memo(_last)


def _last(kustomization: Resource) -> datetime | None:
    rows = kustomization.get("status.history")
    times = [row.get("lastReconciled") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else ()
    return max((at for text in times if isinstance(text, str) and (at := moment(text))), default=None)
