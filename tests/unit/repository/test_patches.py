"""Patches that need not be built, and patches for what is not in the tree, held against real kustomize."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fluxdoctor.intake.tree import tree_of
from fluxdoctor.model.resource import Ref, Resource
from fluxdoctor.repository.build import build_inputs, kustomize, patches
from fluxdoctor.repository.build.cache import BuildCache
from fluxdoctor.repository.build.render import Renderer
from fluxdoctor.repository.build.substitute import Variables
from fluxdoctor.repository.files.content_cache import ContentCache
from tests.helpers.fleet import needs_kustomize

FILES = {
    "app/kustomization.yaml": b"resources: [config.yaml]\nconfigMapGenerator: [{name: made, literals: [a=b]}]\n",
    "app/config.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, annotations: {a: b}}\ndata: {k: v}\n",
    "app/release.yaml": b"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: r}\nspec: {interval: 5m}\n",
    "app/two.yaml": b"kind: A\nmetadata: {name: a}\n---\nkind: B\nmetadata: {name: b}\n",
}
MERGE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: any}\nspec: {interval: 1h}\n"
OPERATION = "- {op: add, path: /spec/interval, value: 1h}\n"
RELEASE = {"kind": "HelmRelease"}

IDLE: list[dict[str, Any]] = [
    {"patch": MERGE, "target": RELEASE},
    {"patch": OPERATION, "target": RELEASE},
    {"path": "release.yaml", "target": {"kind": "HelmRelease", "name": ".*", "namespace": "web"}},
    {"patch": MERGE, "target": {**RELEASE, "annotationSelector": "example.com/defaults != disabled"}},
    {"patch": MERGE, "target": {**RELEASE, "labelSelector": "app=web"}},
]
#: They touch something, or may, or fail the build whatever there is.
NEEDED: list[dict[str, Any]] = [
    {"patch": "- {op: add, path: /data/k, value: w}", "target": {"kind": "ConfigMap"}},
    {"patch": "- {op: add, path: /metadata/labels, value: {a: b}}", "target": {"kind": "ConfigMap", "name": "made"}},
    {"patch": "- {op: add, path: /metadata/labels, value: {a: b}}", "target": {"name": "c"}},
    {"patch": "- {op: add, path: /metadata/labels, value: {a: b}}", "target": {"kind": "Config.*"}},
    {"patch": MERGE},
    {"patch": "{", "target": RELEASE},
    {"patch": f"[{OPERATION[2:-1]}]", "target": RELEASE},
    {"patch": "kind: HelmRelease", "target": RELEASE},
    {"patch": f"{MERGE}---\n{MERGE}", "target": RELEASE},
    {"patch": MERGE, "target": {**RELEASE, "labelSelector": "app in"}},
    {"patch": MERGE, "target": {**RELEASE, "name": "["}},
    {"path": "absent.yaml", "target": RELEASE},
]


def without_idle(files: dict[str, bytes], rows: list[dict[str, Any]]) -> dict[str, Any]:
    tree = tree_of(files, None)
    body = {"resources": ["config.yaml"], "patches": rows}
    return patches.without_idle(tree, "app", body, sorted(build_inputs.closure(tree, "app").files), files)


@pytest.mark.parametrize("row", IDLE, ids=str)
def test_a_patch_for_a_kind_that_is_not_built_is_left_out(row: dict[str, Any]) -> None:
    assert without_idle(FILES, [row]) == {"resources": ["config.yaml"]}


@pytest.mark.parametrize("row", NEEDED, ids=str)
def test_a_patch_that_may_matter_stays(row: dict[str, Any]) -> None:
    assert without_idle(FILES, [row, IDLE[0]]) == {"resources": ["config.yaml"], "patches": [row]}


@pytest.mark.parametrize(
    "content",
    [
        b"kind: HelmRelease\nmetadata: {name: r}\n",
        b"kind: HelmReleaseList\nitems: []\n",
        b"- {op: replace, path: /kind, value: HelmRelease}\n",
        b"patches: [{path: x.yaml, options: {allowKindChange: true}}]\n",
        b"a: [\n",
    ],
)
def test_where_such_a_kind_may_be_built_all_patches_stay(content: bytes) -> None:
    files = {**FILES, "app/config.yaml": content}
    assert without_idle(files, IDLE)["patches"] == IDLE


@pytest.mark.parametrize(
    ("content", "stays"),
    [
        (b'{"title": "no kind of object", "panels": [{"type": "graph"}]}', False),
        (b'{"title": "panels", "panels": [{"type": "graph"}]}', False),
        (b"#!/bin/sh\n: [\n", False),
        (b'{"k\\u0069nd": "HelmRelease"}', True),
        ('{"kind": "HelmRelease"}'.encode("utf-16"), True),
        (b'{"kind": "Dashboard"}', False),
    ],
)
def test_a_file_that_is_no_yaml_by_name_may_hold_a_kind(content: bytes, stays: bool) -> None:
    held = {
        **FILES,
        "app/kustomization.yaml": b"resources: [config.yaml]\nconfigMapGenerator: [{name: d, files: [d.json]}]\n",
    }
    assert ("patches" in without_idle({**held, "app/d.json": content}, IDLE)) == stays


@needs_kustomize
@pytest.mark.parametrize("rows", [*([row] for row in [*IDLE, *NEEDED]), IDLE, []], ids=str)
def test_kustomize_builds_the_same_with_and_without(rows: list[dict[str, Any]]) -> None:
    local = {"path": kustomize.MERGE_KEYS}
    stage = kustomize.Stage(FILES, kustomize.Command(kustomize.command()))
    body = {"resources": ["config.yaml"], "patches": rows}
    try:
        stage.write_missing(FILES)
        whole = stage.build("app", {**body, "openapi": local}, 0)
        less = stage.build("app", {**without_idle(FILES, rows), "openapi": local}, 0)
    finally:
        stage.close()
    assert whole == less


@needs_kustomize
def test_one_build_for_all_clusters_that_differ_in_such_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    build = kustomize.Stage.build

    def counted(stage: kustomize.Stage, directory: str, *rest: Any) -> kustomize.Output:
        built.append(directory)
        return build(stage, directory, *rest)

    monkeypatch.setattr(kustomize.Stage, "build", counted)
    renderer = Renderer(tree_of(FILES, None), FILES, kustomize.Command(kustomize.command()), BuildCache(ContentCache()))
    kustomizations = [
        Resource(
            body={"spec": {"path": "app", "patches": [{"patch": MERGE.replace("1h", age), "target": RELEASE}]}},
            ref=Ref("Kustomization", "flux-system", age),
        )
        for age in ("1h", "2h")
    ]
    try:
        with ThreadPoolExecutor(2) as pool:
            found = [begun.result() for begun in [renderer.start(one, pool) for one in kustomizations]]
    finally:
        renderer.close()
    assert built == ["app"]
    assert found[0] == found[1]
    assert [body["metadata"]["name"] for d in found[0].documents for body in d.read(Variables())] == [
        "c",
        "made-4h2mbtbbt6",
    ]


@pytest.mark.parametrize(
    ("body", "more", "expected"),
    [
        ({"resources": ["config.yaml"], "namespace": "web", "images": [{"name": "x", "newTag": "2"}]}, {}, set()),
        ({"patches": [{"patch": OPERATION, "target": RELEASE}]}, {}, {("HelmRelease", "")}),
        ({"patches": [{"patch": OPERATION, "target": {**RELEASE, "name": "r"}}]}, {}, {("HelmRelease", "r")}),
        ({"patches": [{"patch": OPERATION, "target": {**RELEASE, "name": "(r|s)"}}]}, {}, {("HelmRelease", "")}),
        ({"patches": [{"path": "two.yaml"}]}, {}, {("A", "a"), ("B", "b")}),
        ({"patchesStrategicMerge": ["release.yaml", MERGE]}, {}, {("HelmRelease", "r"), ("HelmRelease", "any")}),
        ({"patchesJson6902": [{"path": "x.yaml", "target": {"kind": "A", "name": "a"}}]}, {}, {("A", "a")}),
        ({"resources": ["../base"]}, {"base/kustomization.yaml": b"patches: [{path: b.yaml}]"}, None),
        (
            {"resources": ["../base"]},
            {"base/kustomization.yaml": b"patches: [{path: b.yaml}]", "base/b.yaml": b"kind: B\nmetadata: {name: b}\n"},
            {("B", "b")},
        ),
        ({"resources": ["../base"]}, {"base/kustomization.yaml": b"namePrefix: p-\n"}, None),
        ({"patches": [{"patch": OPERATION, "target": {"kind": "A|B"}}]}, {}, None),
        ({"patches": [{"patch": OPERATION, "target": {"name": "r"}}]}, {}, None),
        ({"patches": [{"patch": OPERATION.replace("spec/interval", "metadata/name"), "target": RELEASE}]}, {}, None),
        ({"patches": [{"path": "absent.yaml"}]}, {}, None),
        ({"replacements": [{"path": "r.yaml"}]}, {}, None),
    ],
    ids=str,
)
def test_what_a_build_makes_other_than_it_is_written(
    body: dict[str, Any], more: dict[str, bytes], expected: set[tuple[str, str]] | None
) -> None:
    files = {**FILES, **more}
    found = patches.changed_names(tree_of(files, None), "app", body, [*more])
    assert found == (None if expected is None else frozenset(expected))


def test_patches_that_may_find_nothing() -> None:
    body = {
        "patchesStrategicMerge": [
            "release.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c.d, namespace: web}\n",
        ],
        "patches": [{"path": "two.yaml", "options": {"allowNameChange": True}}, {"path": "absent.yaml"}, NEEDED[0]],
        "namespace": "web",
    }
    release = {"group": r"helm\.toolkit\.fluxcd\.io", "version": "v2", "kind": "HelmRelease", "name": "r"}
    assert patches.lenient(tree_of(FILES, None), "app", body) == {
        "namespace": "web",
        "patches": [
            {
                "patch": '{"apiVersion":"helm.toolkit.fluxcd.io/v2","kind":"HelmRelease","metadata":{"name":"r"},'
                '"spec":{"interval":"5m"}}',
                "target": release,
            },
            {
                "patch": '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c.d","namespace":"web"}}',
                "target": {"version": "v1", "kind": "ConfigMap", "name": r"c\.d", "namespace": "web"},
            },
            *(
                {
                    "options": {"allowNameChange": True},
                    "patch": f'{{"kind":"{kind}","metadata":{{"name":"{kind.lower()}"}}}}',
                    "target": {"kind": kind, "name": kind.lower()},
                }
                for kind in "AB"
            ),
            {"path": "absent.yaml"},
            NEEDED[0],
        ],
    }
