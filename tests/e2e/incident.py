"""Puts a recorded incident into the API server as it was recorded: specs, statuses, events, ages and generations.

Every object goes through the API with strict validation, its status through the status subresource, each under the name of
the controller that writes it in a real cluster. What the API server insists on setting itself (creation and deletion times,
generations, managed fields where they were recorded) is put right in etcd afterwards.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from fluxdoctor.collect.store import snapshot_folder as snapshots
from tests.e2e import kinds
from tests.e2e.api import Api, ApiError, Body, in_bulk
from tests.e2e.cluster import Cluster

INCIDENTS = Path(__file__).resolve().parents[2] / "fixtures" / "incidents"

Name = tuple[str, str, str, str]  # API group, kind, namespace, name

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
# What the API server sets itself, whatever is sent.
_STAMPS = ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields")
_ITS_OWN = (*_STAMPS, "resourceVersion", "uid", "selfLink")
_CRD = "CustomResourceDefinition"
_UNRECORDED = {"name": "unrecorded", "image": "unrecorded"}
_APPLIED = {"fieldValidation": "Strict", "force": "true"}


class NotServedError(Exception):
    """The API server does not know the kind of an object."""


@dataclass(slots=True)
class Loaded:
    """What was put into the API server, and what could not be."""

    objects: list[Body] = field(default_factory=list)
    refused: dict[Name, str] = field(default_factory=dict)  # not in the API server at all, and why
    completed: dict[Name, str] = field(
        default_factory=dict
    )  # fields that a recording leaves out and the API server demands


def name_of(body: Body) -> Name:
    """Return what tells an object from every other."""
    group = body["apiVersion"].rpartition("/")[0]
    metadata = body["metadata"]
    return group, body["kind"], metadata.get("namespace", ""), metadata.get("name", "")


def files(folder: Path) -> dict[str, bytes]:
    """Return the files of an incident, with the git trees and chart indexes of the incident that it extends."""
    return snapshots.read(folder, [])


def recorded(folder: Path, now: datetime | None = None) -> list[Body]:
    """Return the objects of an incident; with ``now``, all times are moved so that it was recorded at that moment."""
    objects = list(_objects(folder))
    if now is None:
        return objects
    taken = yaml.load((folder / "snapshot.yaml").read_text("utf-8"), yaml.CSafeLoader)["taken"]
    by = now - datetime.fromisoformat(taken)
    moved: list[Body] = _moved(objects, by)
    return moved


def _objects(folder: Path) -> Iterator[Body]:
    for path in sorted((folder / "cluster").iterdir()):
        text = path.read_text("utf-8")
        documents = [json.loads(text)] if path.suffix == ".json" else yaml.load_all(text, yaml.CSafeLoader)
        for document in documents:
            yield from document["items"] if document["kind"].endswith("List") else [document]


def _moved(value: Any, by: timedelta) -> Any:
    if isinstance(value, dict):
        # The data of ConfigMaps and Secrets, and what a spec says, mean what they say.
        return {k: v if k in ("data", "spec") else _moved(v, by) for k, v in value.items()}
    if isinstance(value, list):
        return [_moved(v, by) for v in value]
    if isinstance(value, str) and _TIME.fullmatch(value):
        at = datetime.fromisoformat(value) + by
        return at.astimezone(UTC).isoformat(timespec="auto" if "." in value else "seconds").replace("+00:00", "Z")
    return value


def load(cluster: Cluster, folder: Path, now: datetime | None = None) -> Loaded:
    """Load a recorded incident; ``cluster.reset()`` takes it away again. Raises ApiError, EtcdError where the server itself fails."""
    return load_objects(cluster, recorded(folder, now))


def load_objects(cluster: Cluster, objects: list[Body]) -> Loaded:
    """Load objects in the order that the API server needs: definitions, namespaces, all others; then what it sets itself."""
    admin, loaded = cluster.admin, Loaded(objects)
    _define(admin, [o for o in objects if o["kind"] == _CRD])
    spaces = [o for o in objects if o["kind"] == "Namespace"]
    named = {o["metadata"]["name"] for o in spaces}
    wanted = {o["metadata"].get("namespace", "") for o in objects} - named - {""}
    others = [o for o in objects if o["kind"] not in (_CRD, "Namespace")]
    for group in (spaces + [namespace(name) for name in sorted(wanted)], others):
        in_bulk(lambda body: _put(admin, body, loaded), group)
    _stamp(cluster, loaded)
    return loaded


def _define(admin: Api, crds: list[Body]) -> None:
    there = {crd["metadata"]["name"] for crd in admin.listed(kinds.PATH)}
    missing = [crd for crd in crds if crd["metadata"]["name"] not in there]
    if missing:
        kinds.add(admin, [kinds.open_schema(crd) for crd in missing])


def namespace(name: str) -> Body:
    """Return a Namespace to write."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _put(admin: Api, body: Body, loaded: Loaded) -> None:
    try:
        write(admin, _complete(body, loaded))
    except (ApiError, NotServedError) as error:
        loaded.refused[name_of(body)] = str(error)


def write(admin: Api, body: Body) -> None:
    """Write an object and its status, each as the controller that does so in a real cluster. Raises ApiError, NotServedError."""
    served = admin.served(body["apiVersion"], body["kind"])
    if served is None:
        raise NotServedError(f"{body['apiVersion']} {body['kind']} is not served")
    metadata = {k: v for k, v in body["metadata"].items() if k not in _ITS_OWN}
    sent = {**{k: v for k, v in body.items() if k != "status"}, "metadata": metadata}
    space, name = metadata.get("namespace", ""), metadata["name"]
    path = served.path(space, name)
    if body["kind"] == "Event":  # many, never applied by anyone, and quicker to create
        admin.call("POST", served.path(space), sent)
    else:
        admin.apply(path, sent, {**_APPLIED, "fieldManager": _owner(body)})
    # A status of an object that is being deleted is put in place with its deletion: the API server takes it only then.
    if served.has_status and "status" in body and "deletionTimestamp" not in body["metadata"]:
        # An empty status is a controller's answer too; one that nobody wrote gets observedGeneration -1 by default.
        status = {"status": body["status"] or {"observedGeneration": None}}
        admin.call("PATCH", f"{path}/status", status, query={"fieldManager": _reporter(body)})


def _complete(body: Body, loaded: Loaded) -> Body:
    """Add what a recording leaves out and the API server demands: a workload's selector and labels, the digests in a history."""
    whole = copy.deepcopy(body)
    if body["kind"] in ("Deployment", "ReplicaSet") and "selector" not in body["spec"]:
        labels = {"app": body["metadata"]["name"]}
        whole["spec"]["selector"] = {"matchLabels": labels}
        template = whole["spec"].setdefault("template", {"spec": {"containers": [_UNRECORDED]}})
        template["metadata"] = {"labels": labels}
        loaded.completed[name_of(body)] = "spec.selector, spec.template"
    for reconciliation in whole.get("status", {}).get("history", []) if body["kind"] == "Kustomization" else []:
        if "digest" not in reconciliation:
            reconciliation["digest"] = "sha256:" + "0" * 64
            loaded.completed[name_of(body)] = "status.history[].digest"
    return whole


def _owner(body: Body) -> str:
    """Return the field manager that applies an object: kustomize-controller and helm-controller mark what is theirs."""
    labels = body["metadata"].get("labels", {})
    annotations = body["metadata"].get("annotations", {})
    if "kustomize.toolkit.fluxcd.io/name" in labels:
        return "kustomize-controller"
    if (
        "helm.toolkit.fluxcd.io/name" in labels
        or "meta.helm.sh/release-name" in annotations
        or labels.get("owner") == "helm"
    ):
        return "helm-controller"
    return "flux"


def _reporter(body: Body) -> str:
    """Return the field manager that writes the status of a kind: of Flux, the controller that its API group is named after."""
    group = body["apiVersion"].partition("/")[0]
    if group.endswith(".toolkit.fluxcd.io"):
        manager = f"{group.partition('.')[0]}-controller"
        return f"gotk-{manager}" if manager == "kustomize-controller" else manager
    return "kubelet" if body["kind"] == "Pod" else "kube-controller-manager"


def _stamp(cluster: Cluster, loaded: Loaded) -> None:
    """Put right in etcd what the API server sets itself."""
    wanted = {name_of(o): o for o in loaded.objects if o["kind"] != _CRD}
    puts: dict[bytes, bytes] = {}
    for key, body in stored(cluster):
        recorded_body = wanted.get(name_of(body))
        if recorded_body and _restored(body, recorded_body):
            puts[key] = json.dumps(body).encode()
    cluster.etcd.write(puts)


def stored(cluster: Cluster) -> Iterator[tuple[bytes, Body]]:
    """Yield the objects that etcd holds, with their keys, but for CustomResourceDefinitions."""
    for entry in cluster.etcd.entries():
        if entry.value.startswith(b"{") and not entry.key.startswith(b"/registry/apiextensions.k8s.io/"):
            body: Body = json.loads(entry.value)
            if "apiVersion" in body and "metadata" in body:
                yield entry.key, body


def _restored(there: Body, body: Mapping[str, Any]) -> bool:
    stamps = {k: v for k, v in body["metadata"].items() if k in _STAMPS}
    there["metadata"].update(stamps)
    if "deletionTimestamp" in stamps and "status" in body:
        there["status"] = body["status"]
    return bool(stamps)
