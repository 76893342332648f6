"""What registries have survives a snapshot whole."""

from __future__ import annotations

import dataclasses

import pytest

from fluxdoctor.collect.store import save, snapshot_folder
from fluxdoctor.model.oci import OciLayer, OciManifest, OciTags
from fluxdoctor.model.resource import Ref
from tests.helpers.worlds import world

WEB, CHARTS = Ref("OCIRepository", "apps", "web"), Ref("HelmRepository", "apps", "charts")
OBJECTS = (
    "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: web, namespace: apps}\n"
    "---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: charts, namespace: apps}\n"
    "spec: {type: oci}\n"
)
FULL = OciManifest(
    "sha256:0a",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.cncf.flux.config.v1+json",
    (OciLayer("application/vnd.cncf.flux.content.v1.tar+gzip", "sha256:0b", 12), OciLayer("text/plain")),
    {"org.opencontainers.image.source": "https://git.example.com/web"},
    "application/example",
    ("cosign tag",),
)
KNOWN = [
    OciTags({WEB: ["1.0", "2", "0x1F", "true"]}, {WEB: {"1.0": FULL, "2": OciManifest("sha256:0c")}}),
    OciTags({WEB: []}, {WEB: {"1": OciManifest("sha256:0c", signatures=())}}),
    OciTags({}, {WEB: {"1": OciManifest("sha256:0c")}}, {CHARTS: {"podinfo": ["6.5.0"], "empty": []}}),
]


@pytest.mark.parametrize("known", KNOWN)
def test_what_registries_have_is_saved_and_loaded(known: OciTags) -> None:
    first = dataclasses.replace(world(OBJECTS), oci=known)
    again = snapshot_folder.parse(save.files(first), "world").oci
    assert again is not None
    assert (again.listed, again.manifests, again.charts) == (known.listed, known.manifests, known.charts)


def test_what_stands_in_a_file_by_mistake_is_nothing() -> None:
    odd = "tags: 3\nmanifests: {'1': [], '2': {layers: {}, annotations: 4}}\ncharts: [a]\n"
    found = world(OBJECTS, files={"oci/apps/web.yaml": odd}).oci
    assert found is not None
    assert found.manifest(WEB, "2") == OciManifest("")
    assert (found.tags(WEB), found.charts) == ((), {WEB: {}})


@pytest.mark.parametrize(("known", "there"), [(KNOWN[0], False), (KNOWN[2], True)])
def test_where_charts_are_in_registries_only_there_is_no_index_to_miss(known: OciTags, there: bool) -> None:
    loaded = snapshot_folder.parse(save.files(dataclasses.replace(world(OBJECTS), oci=known)), "world")
    assert (loaded.charts is not None) == there
