"""What flux-operator makes of the sync of a FluxInstance: a source and a Kustomization, which stand nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fluxdoctor.model import flux
from fluxdoctor.model.resource import Fields, Ref, Resource, split
from fluxdoctor.repository.build.patches import bodies_of

#: The fields of what is made, by those of the sync.
_MADE_OF = {
    "path": "spec.path", "url": "spec.url", "ref": "spec.ref", "pullSecret": "spec.secretRef", "interval": "spec.interval",
    "provider": "spec.provider", "ignore": "spec.ignore",
}  # fmt: skip


def objects(sync: Fields, ref: Ref) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the source and the Kustomization that flux-operator makes of a sync (0.58, internal/builder/templates.go)."""
    metadata = {"name": ref.name, "namespace": ref.namespace}
    spec: dict[str, Any] = {"interval": sync.text("interval", "1m")} | _address(sync, ref.kind)
    if sync.text("pullSecret"):
        spec["secretRef"] = {"name": sync.text("pullSecret")}
    for field in ("provider", "ignore"):
        if sync.text(field):
            spec[field] = sync.text(field)
    source = {"apiVersion": f"{flux.SOURCE}/v1", "kind": ref.kind, "metadata": metadata, "spec": spec}
    applied = {
        "interval": "10m",
        "path": sync.text("path"),
        "prune": True,
        "sourceRef": {"kind": ref.kind, "name": ref.name},
    }
    return source, {
        "apiVersion": f"{flux.KUSTOMIZE}/v1", "kind": "Kustomization", "metadata": metadata, "spec": applied
    }  # fmt: skip


def _address(sync: Fields, kind: str) -> dict[str, Any]:
    url, ref = sync.text("url"), sync.text("ref")
    if kind == "Bucket":
        return {"endpoint": url, "bucketName": ref}
    if kind == "OCIRepository":
        return {"url": url, "ref": {"tag": ref or "latest"}}
    branch = ref.removeprefix("refs/heads/")
    return {"url": url, "ref": {"name": ref} if branch.startswith("refs/") else {"branch": branch}}


def marks(origin: Resource, sync: Fields) -> Iterator[tuple[tuple[str | int, ...], tuple[int, int]]]:
    """Yield where a person would change what a sync is made of."""
    places = {"": sync.path, **{made: (*sync.path, field) for field, made in _MADE_OF.items()}}
    for made, path in places.items():
        if at := origin.marks.get(path):
            yield split(made), at


def patches(origin: Resource, sync: Fields, kinds: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the patches beside a sync that are for what it makes: flux-operator builds all of an instance with them (0.58)."""
    for row in Fields(origin.body).rows((*sync.path[:-1], "kustomize", "patches")):
        wanted = row.text("target.kind") or next(
            (Fields(body).text("kind") for body in bodies_of(row.text("patch"))), ""
        )
        if any(_matches(wanted, kind) for kind in kinds):
            yield row.body


def _matches(pattern: str, kind: str) -> bool:
    try:
        return re.fullmatch(pattern, kind) is not None
    except re.error:
        return False
