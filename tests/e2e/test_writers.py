"""Who wrote a spec, and when, is read from the live cluster: rules that ask for it speak there as they do over a snapshot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.store import save, snapshot_folder
from fluxdoctor.model.finding import Severity
from tests.e2e import incident
from tests.e2e.api import Body
from tests.e2e.cluster import Cluster
from tests.e2e.incident import INCIDENTS
from tests.e2e.test_live import read


def test_a_spec_that_nobody_looked_at_for_hours(cluster: Cluster, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    objects = incident.recorded(INCIDENTS / "healthy-baseline", now)
    apps = next(o for o in objects if o["kind"] == "Kustomization" and o["metadata"]["name"] == "apps")
    seen = apps["status"]["observedGeneration"]
    written = f"{now - timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}"
    apps["metadata"]["generation"] = seen + 3
    rows: list[tuple[str, Body, Body]] = [
        ("kustomize-controller", {"f:spec": {"f:path": {}}}, {}),
        ("gotk-kustomize-controller", {"f:status": {"f:conditions": {}}}, {"subresource": "status"}),
    ]
    apps["metadata"]["managedFields"] = [
        {
            "manager": manager,
            "operation": "Apply",
            "apiVersion": apps["apiVersion"],
            "time": written,
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
            **more,
        }
        for manager, fields, more in rows
    ]
    incident.load_objects(cluster, objects)
    snapshot = read(cluster)
    lines = [
        f"{f.severity} {f.rule} {f.subject}: {f.message}"
        for f in diagnose(snapshot).findings
        if f.severity is not Severity.INFO
    ]
    assert lines == [
        "warning flux/generation-unseen Kustomization/flux-system/apps: its spec was changed 3h ago, "
        f"but the status still describes the old spec (generation {seen} of {seen + 3})"
    ]
    save.save(snapshot, tmp_path / "kept")
    again = diagnose(snapshot_folder.load(tmp_path / "kept"))
    assert [f.message for f in again.findings] == [f.message for f in diagnose(snapshot).findings]
