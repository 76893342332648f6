"""A fleet of any size in the API server, for measurements: ``fleet.load(cluster, 5000)``.

Every object is made of one that real controllers wrote (fixtures/incidents), renamed, with an inventory and a history as long as a
fleet in use has them: about 3.8 kB of JSON each, as ``kubectl get -o json`` of a cluster shows.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from tests.e2e import incident
from tests.e2e.api import Body, in_bulk
from tests.e2e.cluster import Cluster

TENANT = 20  # objects of one tenant
_TENANTS_IN_A_NAMESPACE = 5
_KUSTOMIZATIONS = 8
_RELEASES = 4
_INVENTORY = 20
_HISTORY = 4
_BATCH = 1000  # objects in one transaction

T = TypeVar("T")

_HEALTHY = "healthy-baseline"
_BROKEN = "git-bad-credentials"


class _Templates:
    """Recorded objects to copy, by kind and name."""

    def __init__(self, now: datetime) -> None:
        healthy = incident.recorded(incident.INCIDENTS / _HEALTHY, now)
        self.healthy = {(o["kind"], o["metadata"]["name"]): o for o in healthy}
        self.failing = next(
            o
            for o in incident.recorded(incident.INCIDENTS / _BROKEN, now)
            if o["kind"] == "GitRepository" and any(c["status"] == "False" for c in o["status"]["conditions"])
        )

    def copy(self, kind: str, name: str, namespace: str, new: str) -> Body:
        """Return a recorded object under another name, wherever its own is written in it."""
        return _renamed(self.healthy[kind, name], namespace, new)


def _renamed(body: Body, namespace: str, new: str) -> Body:
    name, was = body["metadata"]["name"], body["metadata"]["namespace"]
    text = json.dumps({k: body[k] for k in ("spec", "status")})
    text = text.replace(f"/{was}/{name}/", f"/{namespace}/{new}/").replace(f"{was}/", f"{namespace}/")
    labels = {
        "kustomize.toolkit.fluxcd.io/name": "tenants",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
        "app.kubernetes.io/part-of": namespace,
    }
    metadata = {
        "name": new,
        "namespace": namespace,
        "labels": labels,
        "finalizers": ["finalizers.fluxcd.io"],
        "creationTimestamp": body["metadata"]["creationTimestamp"],
    }
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": metadata, **json.loads(text)}


def objects(size: int, *, broken_every: int = 50, now: datetime | None = None) -> Iterator[Body]:
    """Yield ``size`` Flux objects of six kinds, as if recorded ``now``; the GitRepository of every so-many-th tenant is refused its credentials."""
    templates = _Templates(now or datetime.now(UTC))
    made = 0
    for tenant in range(-(-size // TENANT)):
        broken = bool(broken_every) and tenant % broken_every == broken_every - 1
        for body in _tenant(templates, tenant, broken=broken):
            if made == size:
                return
            made += 1
            yield body


def _tenant(templates: _Templates, number: int, *, broken: bool) -> Iterator[Body]:
    namespace, prefix = f"team-{number // _TENANTS_IN_A_NAMESPACE:03}", f"t{number:04}"
    source = templates.copy("GitRepository", "webapp", namespace, prefix)
    if broken:
        source["status"] = copy.deepcopy(templates.failing["status"])
    yield source
    yield templates.copy("GitRepository", "flux-system", namespace, f"{prefix}-lib")
    yield templates.copy("HelmRepository", "acme-charts", namespace, f"{prefix}-charts")
    yield templates.copy("OCIRepository", "redis-chart", namespace, f"{prefix}-redis")
    for k in range(_KUSTOMIZATIONS):
        yield _kustomization(templates.copy("Kustomization", "webapp", namespace, f"{prefix}-app{k}"), prefix, k)
    for k in range(_RELEASES):
        yield from _release(templates, namespace, prefix, k)


def _kustomization(body: Body, prefix: str, k: int) -> Body:
    namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
    body["spec"] |= {
        "sourceRef": {"kind": "GitRepository", "name": prefix},
        "path": f"./apps/app{k}",
        "targetNamespace": namespace,
    }
    if k:
        body["spec"]["dependsOn"] = [{"name": f"{prefix}-app{k - 1}"}]
    entries = [{"id": f"{namespace}_{name}-{i}_apps_Deployment", "v": "v1"} for i in range(_INVENTORY)]
    body["status"] |= {
        "inventory": {"entries": entries},
        "history": _again(body["status"]["history"], "totalReconciliations"),
    }
    for row in body["status"]["history"]:
        row["digest"] = "sha256:" + f"{k:064x}"
    return body


def _release(templates: _Templates, namespace: str, prefix: str, k: int) -> Iterator[Body]:
    name = f"{prefix}-web{k}"
    release = templates.copy("HelmRelease", "podinfo", namespace, name)
    charts = {"kind": "HelmRepository", "name": f"{prefix}-charts"}
    release["spec"]["chart"]["spec"]["sourceRef"] = charts
    release["spec"].pop("valuesFrom", None)
    release["status"] |= {"helmChart": f"{namespace}/{namespace}-{name}", "storageNamespace": namespace}
    release["status"]["history"] = _again(release["status"]["history"], "version")
    for row in release["status"]["history"]:
        row |= {"name": name, "namespace": namespace}
    chart = templates.copy("HelmChart", "podinfo-podinfo", namespace, f"{namespace}-{name}")
    chart["spec"]["sourceRef"] = charts
    chart["metadata"]["labels"] = {"helm.toolkit.fluxcd.io/name": name, "helm.toolkit.fluxcd.io/namespace": namespace}
    yield chart
    yield release


def _again(rows: list[dict[str, Any]], counter: str) -> list[dict[str, Any]]:
    """Return a history that is longer than the recorded one: its newest row with older ones behind it."""
    newest = rows[0]
    return [{**copy.deepcopy(newest), counter: n} for n in range(_HISTORY, 0, -1)]


def load(cluster: Cluster, size: int, *, broken_every: int = 50, now: datetime | None = None) -> Mapping[str, int]:
    """Put a fleet into the API server, and return how many objects of each kind it has. Raises ApiError, EtcdError.

    The first tenant goes through the API, which validates it and writes its managed fields. The others are of the same shapes: they
    are copied beside it in etcd, in seconds where the API would take minutes.
    """
    bodies = list(objects(size, broken_every=broken_every, now=now))
    spaces = [incident.namespace(name) for name in sorted({b["metadata"]["namespace"] for b in bodies})]
    for group in (spaces, bodies[:TENANT]):
        in_bulk(lambda body: incident.write(cluster.admin, body), group)
    stored = {incident.name_of(body): (key, body) for key, body in incident.stored(cluster)}
    written = [stored[incident.name_of(body)] for body in bodies[:TENANT]]
    puts = (_beside(*written[i % TENANT], body) for i, body in enumerate(bodies) if i >= TENANT)
    for batch in batched(puts, _BATCH):
        cluster.etcd.write(dict(batch))
    return Counter(body["kind"] for body in bodies)


def _beside(key: bytes, first: Body, body: Body) -> tuple[bytes, bytes]:
    """Return the key and the value of an object of the same shape as one that the API server has written."""
    old, new = first["metadata"], body["metadata"]
    metadata = {**old, **new, "uid": str(uuid.uuid4()), "creationTimestamp": old["creationTimestamp"]}
    folder = key.removesuffix(f"{old['namespace']}/{old['name']}".encode())
    return folder + f"{new['namespace']}/{new['name']}".encode(), json.dumps(
        {**first, **body, "metadata": metadata}
    ).encode()


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of at most ``size``."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
