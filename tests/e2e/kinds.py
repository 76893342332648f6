"""CustomResourceDefinitions: installed, waited for, taken away."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.api import Api, ApiError, Body, in_bulk

PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_SECONDS = 60
_POLL_SECONDS = 0.05
_NOT_FOUND = 404
_CONFLICT = 409


def install(admin: Api, files: Sequence[Path]) -> None:
    """Install Flux's CustomResourceDefinitions, those of them that are not there, and wait until their kinds are served."""
    bodies = [yaml.load(path.read_text("utf-8"), yaml.CSafeLoader) for path in files]
    for body in bodies:
        # As Flux's own manifests label them; `flux check` looks for it.
        body["metadata"]["labels"] = {"app.kubernetes.io/part-of": "flux"}
    add(admin, bodies)


def open_schema(crd: Body) -> Body:
    """Return a recorded CustomResourceDefinition with a schema that takes any object: recordings leave the schemas out."""
    spec = crd["spec"]
    anything = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [{**v, "schema": anything, "subresources": {"status": {}}} for v in spec["versions"]]
    names = {"singular": spec["names"]["kind"].lower(), **spec["names"]}
    metadata = {k: v for k, v in crd["metadata"].items() if k in ("name", "labels", "annotations")}
    return {**crd, "metadata": metadata, "spec": {**spec, "names": names, "versions": versions}}


def add(admin: Api, bodies: Iterable[Body]) -> None:
    """Create CustomResourceDefinitions, leave alone those that are there, and wait until all are served."""
    bodies = list(bodies)
    in_bulk(lambda body: _create(admin, body), bodies)
    admin.forget_kinds()
    for body in bodies:
        _await(admin, body, served=True)
    admin.forget_kinds()


def _create(admin: Api, body: Body) -> None:
    try:
        admin.call("POST", PATH, body)
    except ApiError as error:
        if error.code != _CONFLICT:
            raise


def remove(admin: Api, name: str) -> None:
    """Take a CustomResourceDefinition away, with its objects, and wait until its kind is served no more."""
    body = admin.call("GET", f"{PATH}/{name}")
    admin.call("DELETE", f"{PATH}/{name}")
    _await(admin, body, served=False)
    admin.forget_kinds()


def _await(admin: Api, crd: Body, *, served: bool) -> None:
    """Wait until discovery and the collections themselves agree: they are two parts of the API server, told one after the other."""
    group, plural = crd["spec"]["group"], crd["spec"]["names"]["plural"]
    paths = [f"/apis/{group}/{v['name']}" for v in crd["spec"]["versions"] if v["served"]]
    deadline = time.monotonic() + _SECONDS
    for path in paths:
        while _listed(admin, path, plural) != served or _answers(admin, f"{path}/{plural}") != served:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{path}/{plural}: {'not served yet' if served else 'still served'} after {_SECONDS} s"
                )
            time.sleep(_POLL_SECONDS)


def _listed(admin: Api, path: str, plural: str) -> bool:
    try:
        resources: list[dict[str, Any]] = admin.call("GET", path)["resources"]
    except ApiError as error:
        if error.code == _NOT_FOUND:
            return False
        raise
    return any(r["name"] == plural for r in resources)


def _answers(admin: Api, path: str) -> bool:
    return admin.request("GET", path, query={"limit": "1"}).status == 200
