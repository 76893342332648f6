"""Makes the source and the Kustomization that flux-operator creates for the sync of a FluxInstance. No file declares them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from fluxdoctor.model import flux, go_regex
from fluxdoctor.model.resource import Fields, Ref, Resource, split
from fluxdoctor.repository.build.patches import bodies_of

#: The fields of the created objects, by the field of the sync that sets them.
_CREATED_FIELDS = {
    "path": "spec.path", "url": "spec.url", "ref": "spec.ref", "pullSecret": "spec.secretRef", "interval": "spec.interval",
    "provider": "spec.provider", "ignore": "spec.ignore",
}  # fmt: skip


def objects(sync: Fields, ref: Ref) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the source ``ref`` and the Kustomization that flux-operator creates (0.58, internal/builder/templates.go)."""
    metadata = {"name": ref.name, "namespace": ref.namespace}
    source_spec: dict[str, Any] = {"interval": sync.text("interval", "1m")} | _address(sync, ref.kind)
    if sync.text("pullSecret"):
        source_spec["secretRef"] = {"name": sync.text("pullSecret")}
    for field in ("provider", "ignore"):
        if sync.text(field):
            source_spec[field] = sync.text(field)
    source = {"apiVersion": f"{flux.SOURCE}/v1", "kind": ref.kind, "metadata": metadata, "spec": source_spec}
    spec = {
        "interval": "10m",
        "path": sync.text("path"),
        "prune": True,
        "sourceRef": {"kind": ref.kind, "name": ref.name},
    }
    return source, {
        "apiVersion": f"{flux.KUSTOMIZE}/v1", "kind": "Kustomization", "metadata": metadata, "spec": spec
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
    """Yield the fields of the created objects with the position of the field of the sync that sets them."""
    paths = {"": sync.path, **{created: (*sync.path, field) for field, created in _CREATED_FIELDS.items()}}
    for created, path in paths.items():
        if position := origin.marks.get(path):
            yield split(created), position


def patches(origin: Resource, sync: Fields, kinds: Collection[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the patches of a FluxInstance for these kinds. flux-operator builds all its objects with them (0.58)."""
    for row in Fields(origin.body).rows((*sync.path[:-1], "kustomize", "patches")):
        pattern = row.text("target.kind") or next(
            (Fields(body).text("kind") for body in bodies_of(row.text("patch"))), ""
        )
        if pattern and go_regex.selects(pattern, kinds, default=False):
            yield row.body
