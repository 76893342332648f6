"""Converts facts about registries from and to the files ``oci/<namespace>/<name>.yaml`` of a snapshot folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxdoctor.model.oci import OciLayer, OciManifest, OciTags
from fluxdoctor.model.resource import Fields, Ref


def load(bodies: Mapping[Ref, Fields]) -> OciTags:
    """Return the tags, manifests and charts of sources from the bodies of their files."""
    return OciTags(
        {ref: body.strings("tags") for ref, body in bodies.items() if body.has("tags") or not body.keys()},
        {ref: {name: _manifest(body.fields(("manifests", name))) for name in body.keys("manifests")}
         for ref, body in bodies.items() if body.has("manifests")},
        {ref: {name: body.strings(("charts", name)) for name in body.keys("charts")}
         for ref, body in bodies.items() if body.has("charts")},
    )  # fmt: skip


def save(oci: OciTags) -> dict[Ref, dict[str, Any]]:
    """Return the body of the file for each source."""
    bodies: dict[Ref, dict[str, Any]] = {}
    for ref, tags in oci.listed.items():
        bodies.setdefault(ref, {})["tags"] = list(tags)
    for ref, manifests in oci.manifests.items():
        bodies.setdefault(ref, {})["manifests"] = {
            name: _manifest_body(manifest) for name, manifest in manifests.items()
        }
    for ref, charts in oci.charts.items():
        bodies.setdefault(ref, {})["charts"] = {name: list(tags) for name, tags in charts.items()}
    return bodies


def _manifest(body: Fields) -> OciManifest:
    return OciManifest(
        body.text("digest"),
        body.text("mediaType"),
        body.text("config.mediaType"),
        tuple(OciLayer(row.text("mediaType"), row.text("digest"), row.number("size")) for row in body.rows("layers")),
        dict(body.items("annotations")),
        body.text("artifactType"),
        body.strings("signatures") if body.has("signatures") else None,
    )


def _manifest_body(manifest: OciManifest) -> dict[str, Any]:
    body: dict[str, Any] = {"digest": manifest.digest, "mediaType": manifest.media_type}
    body |= {"artifactType": manifest.artifact_type} if manifest.artifact_type else {}
    body |= {"config": {"mediaType": manifest.config_media_type}} if manifest.config_media_type else {}
    body["layers"] = [
        {"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size} for layer in manifest.layers
    ]
    body |= {"annotations": dict(manifest.annotations)} if manifest.annotations else {}
    return body if manifest.signatures is None else {**body, "signatures": list(manifest.signatures)}
