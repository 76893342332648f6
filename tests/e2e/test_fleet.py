"""The fleet for measurements is what the API server itself would hold, had each object been written through it."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

from tests.e2e import controller, fleet, incident
from tests.e2e.api import Body
from tests.e2e.cluster import Cluster

KINDS = {
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
    ("source.toolkit.fluxcd.io/v1", "GitRepository"),
    ("source.toolkit.fluxcd.io/v1", "HelmChart"),
    ("source.toolkit.fluxcd.io/v1", "HelmRepository"),
    ("source.toolkit.fluxcd.io/v1", "OCIRepository"),
}


def all_of_them(cluster: Cluster) -> dict[incident.Name, Body]:
    found = {}
    for version, kind in sorted(KINDS):
        served = cluster.admin.served(version, kind)
        assert served is not None
        for body in cluster.admin.listed(served.path()):
            whole = {"apiVersion": version, "kind": kind, **body}
            found[incident.name_of(whole)] = whole
    return found


def lasting(body: Body) -> Body:
    """Return an object without what is another with each writing."""
    metadata = {k: v for k, v in body["metadata"].items() if k not in ("uid", "resourceVersion", "creationTimestamp")}
    managers = [{k: v for k, v in row.items() if k != "time"} for row in metadata["managedFields"]]
    return {**body, "metadata": {**metadata, "managedFields": managers}}


def test_copies_are_what_the_api_server_would_hold(cluster: Cluster) -> None:
    size, now = 3 * fleet.TENANT - 5, datetime.now(UTC)
    counted = fleet.load(cluster, size, broken_every=2, now=now)
    copied = all_of_them(cluster)
    cluster.reset()
    incident.write(cluster.admin, incident.namespace("team-000"))
    for body in fleet.objects(size, broken_every=2, now=now):
        incident.write(cluster.admin, body)
    written = all_of_them(cluster)
    assert Counter(name[1] for name in copied) == counted
    assert {name: lasting(body) for name, body in copied.items()} == {
        name: lasting(body) for name, body in written.items()
    }
    uids = {body["metadata"]["uid"] for body in copied.values()}
    assert len(uids) == size


def test_a_fleet_has_the_size_and_the_mix_that_was_asked_for(cluster: Cluster) -> None:
    assert fleet.load(cluster, 2000) == {
        "GitRepository": 200,
        "HelmRepository": 100,
        "OCIRepository": 100,
        "Kustomization": 800,
        "HelmChart": 400,
        "HelmRelease": 400,
    }
    found = all_of_them(cluster)
    assert {kind: sum(1 for name in found if name[1] == kind) for _, kind in KINDS} == dict(
        Counter(n[1] for n in found)
    )
    refused = [
        name[2:] for name, body in sorted(found.items()) if controller.condition(body, "Ready").get("status") == "False"
    ]
    assert refused == [("team-009", "t0049"), ("team-019", "t0099")]
    mean = sum(len(json.dumps(body, separators=(",", ":"))) for body in found.values()) / len(found)
    assert 3600 < mean < 4000
