"""Every recorded incident can be put into a real API server, and comes out of it as it was recorded."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e import incident
from tests.e2e.api import Body
from tests.e2e.cluster import Cluster
from tests.e2e.incident import INCIDENTS, Loaded, Name

# What every incident holds that the API server has on its own account, or that only it can give.
_SERVERS_OWN = {"managedFields", "resourceVersion", "uid"}
_NOT_FLUX = ("", "apps", "apiextensions.k8s.io", "rbac.authorization.k8s.io", "cert-manager.io")


def everything(cluster: Cluster, kinds: set[tuple[str, str]]) -> dict[Name, Body]:
    """Return all objects of some kinds as the API server gives them."""
    found = {}
    for version, kind in sorted(kinds):
        served = cluster.admin.served(version, kind)
        assert served is not None, (version, kind)
        for body in cluster.admin.listed(served.path()):
            whole = {"apiVersion": version, "kind": kind, **body}
            found[incident.name_of(whole)] = whole
    return found


def differences(recorded: Any, there: Any, at: str = "") -> list[str]:
    """Return where ``there`` does not hold what was recorded; it may hold more."""
    if isinstance(recorded, dict) and isinstance(there, dict):
        return [d for k, v in recorded.items() for d in differences(v, there.get(k), f"{at}.{k}")]
    if isinstance(recorded, list) and isinstance(there, list) and len(recorded) == len(there):
        return [
            d for i, (r, t) in enumerate(zip(recorded, there, strict=True)) for d in differences(r, t, f"{at}[{i}]")
        ]
    return [] if recorded == there else [f"{at}: {json.dumps(recorded)} became {json.dumps(there)}"]


def bare(body: Body) -> Body:
    """Return an object without what only an API server gives."""
    return {**body, "metadata": {k: v for k, v in body["metadata"].items() if k not in _SERVERS_OWN}}


def without_digests(body: Body) -> Body:
    """Return an object without the digests of its history, which no recording holds and the API server demands."""
    status = body.get("status", {})
    if "history" not in status or body["kind"] != "Kustomization":
        return body
    rows = [{k: v for k, v in row.items() if k != "digest"} for row in status["history"]]
    return {**body, "status": {**status, "history": rows}}


def expected(body: Body, there: Body) -> Body:
    """Return a recorded object with what CRD defaults add to one that no controller has touched: the rest must be equal."""
    filled = dict(body)
    if "status" not in body and "status" in there:
        filled["status"] = {"observedGeneration": -1}
    metadata = dict(body["metadata"])
    for key in ("creationTimestamp", "generation"):
        metadata.setdefault(key, there["metadata"].get(key))
    return {**filled, "metadata": {k: v for k, v in metadata.items() if k not in _SERVERS_OWN}}


def compare(cluster: Cluster, loaded: Loaded) -> list[str]:
    """Return every difference between what was loaded and what the API server gives."""
    kinds = {(o["apiVersion"], o["kind"]) for o in loaded.objects}
    there = everything(cluster, kinds)
    found = []
    for body in loaded.objects:
        name = incident.name_of(body)
        if name not in there:
            found.append(f"{name} is not there")
        elif name[0] in _NOT_FLUX:
            wanted = {**body, "metadata": {k: v for k, v in body["metadata"].items() if k != "resourceVersion"}}
            if body["kind"] == "CustomResourceDefinition":
                wanted["spec"] = {k: v for k, v in body["spec"].items() if k != "versions"}
            found += differences(wanted, there[name], str(name))
        elif expected(body, there[name]) != bare(without_digests(there[name])):
            found.append(f"{expected(body, there[name])} became {bare(without_digests(there[name]))}")
    flux = {name for name in there if name[0] not in _NOT_FLUX}
    found += [f"{name} was never loaded" for name in sorted(flux - {incident.name_of(o) for o in loaded.objects})]
    return found


@pytest.mark.parametrize("name", sorted(p.parent.name for p in INCIDENTS.glob("*/snapshot.yaml")))
def test_an_incident_comes_out_as_it_was_recorded(cluster: Cluster, name: str) -> None:
    loaded = incident.load(cluster, INCIDENTS / name)
    assert loaded.refused == {}
    assert compare(cluster, loaded) == []


def test_times_can_be_moved_to_a_moment_and_keep_their_distances(cluster: Cluster) -> None:
    # snapshot.yaml says that it was taken at 22:57:44 on 2026-11-23.
    folder = INCIDENTS / "ks-schema-invalid-type"
    now = datetime(2027, 1, 1, 0, 0, 44, tzinfo=UTC)
    moved, recorded = incident.recorded(folder, now), incident.recorded(folder)
    by = now - datetime(2026, 11, 23, 22, 57, 44, tzinfo=UTC)
    assert ages(moved, now) == ages(recorded, now - by)
    loaded = incident.load(cluster, folder, now)
    assert (loaded.refused, compare(cluster, loaded)) == ({}, [])
    untouched = [[{k: o[k] for k in ("spec", "data") if k in o} for o in objects] for objects in (moved, recorded)]
    assert untouched[0] == untouched[1]


def ages(objects: list[Body], now: datetime) -> list[str]:
    """Return how old each moment is that an object names, in order."""
    found = re.findall(r'"(\d{4}-\d\d-\d\dT[\d:.]+Z)"', json.dumps([{**o, "spec": 0, "data": 0} for o in objects]))
    assert len(found) > 100
    return [str(now - datetime.fromisoformat(text)) for text in found]


def test_the_files_of_an_incident_are_with_those_that_it_extends() -> None:
    whole, own = incident.files(INCIDENTS / "healthy-baseline"), incident.files(INCIDENTS / "ks-kustomization-bad-yaml")
    changed = {name for name, data in own.items() if name.startswith("git/") and whole.get(name) != data}
    assert {name for name in whole if name.startswith(("git/", "helm/"))} - set(own) == set()
    assert changed == {
        path.relative_to(INCIDENTS / "ks-kustomization-bad-yaml").as_posix()
        for path in (INCIDENTS / "ks-kustomization-bad-yaml" / "git").rglob("*")
        if path.is_file()
    }
