"""What a directory declares: entries followed as kustomize and kustomize-controller do, with file and line."""

from __future__ import annotations

from fluxdoctor.intake.tree import tree_of
from fluxdoctor.model import overlays
from fluxdoctor.model.manifests import Build, build, is_remote
from fluxdoctor.model.resource import Ref
from tests.helpers.worlds import FLEET, kustomization, world

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\n"


def built(path: str, **files: str) -> Build:
    names = {p.replace("__", "/").replace("_dot_", "."): t.encode() for p, t in files.items()}
    found = build(tree_of(names, None), path)
    assert found
    return found


def refs(found: Build) -> list[str]:
    return [f"{r.ref} {r.at(('metadata', 'name'))}" for r in found.objects]


def test_resources_bases_and_components_with_their_lines() -> None:
    found = built(
        "./apps/prod",
        apps__prod__kustomization_dot_yaml="namespace: shop\nnamePrefix: p-\nresources:\n- ../base\n- own.yaml\ncomponents: [../ha]\n",
        apps__prod__own_dot_yaml=CONFIG.format("own"),
        apps__base__kustomization_dot_yml="bases: [deep]\n",
        apps__base__deep__Kustomization="resources: [a.yaml]\n",
        apps__base__deep__a_dot_yaml="# a comment\n" + CONFIG.format("a"),
        apps__ha__kustomization_dot_yaml="kind: Component\nresources: [ha.yaml]\n",
        apps__ha__ha_dot_yaml="kind: Namespace\nmetadata: {name: extra}\n",
    )
    assert refs(found) == [
        "ConfigMap/shop/p-a apps/base/deep/a.yaml:5",
        "ConfigMap/shop/p-own apps/prod/own.yaml:4",
        "Namespace/shop apps/ha/ha.yaml:2",
    ]
    assert found.complete
    assert [k.file for k in found.kustomizations] == [
        "apps/prod/kustomization.yaml", "apps/base/kustomization.yml", "apps/base/deep/Kustomization", "apps/ha/kustomization.yaml",
    ]  # fmt: skip


def test_a_directory_without_kustomization_is_scanned_and_those_with_one_are_entries() -> None:
    found = built(
        "apps",
        apps__b_dot_yaml=CONFIG.format("b"),
        apps__notes_dot_txt="no",
        apps__sub__c_dot_yml=CONFIG.format("c"),
        apps__own__kustomization_dot_yaml="resources: [d.yaml]\n",
        apps__own__d_dot_yaml=CONFIG.format("d"),
        apps__own__ignored_dot_yaml=CONFIG.format("ignored"),
    )
    assert [str(r.ref) for r in found.objects] == ["ConfigMap/d", "ConfigMap/b", "ConfigMap/c"]


def test_entries_that_lead_nowhere() -> None:
    found = built(
        "",
        kustomization_dot_yaml="resources:\n- gone.yaml\n- empty\n- https://example.com/x.yaml\n- broken.yaml\n",
        empty__readme="x",
        broken_dot_yaml="a: [\n",
    )
    assert [(e.text, str(e.location)) for e in found.missing] == [("gone.yaml", "kustomization.yaml:2")]
    assert [(e.text, str(e.location)) for e in found.bare] == [("empty", "kustomization.yaml:3")]
    assert [(e.text, str(e.location)) for e in found.remote] == [("https://example.com/x.yaml", "kustomization.yaml:4")]
    assert [(f, str(p.flaw.location)) for f, p in found.broken if p.flaw] == [("broken.yaml", "broken.yaml:2")]
    assert not found.complete


def test_directories_that_include_each_other_end() -> None:
    found = built("a", a__kustomization_dot_yaml="resources: [../b]\n", b__kustomization_dot_yaml="resources: [../a]\n")
    assert not found.complete
    assert found.objects == ()


def test_lists_generators_and_patches() -> None:
    found = built(
        "",
        kustomization_dot_yaml=(
            "resources: [l.yaml]\nconfigMapGenerator: [{name: g}]\nsecretGenerator:\n- name: s\n  literals: [k=v]\n"
            "patches:\n- target: {kind: Deployment, name: web}\n  path: p.yaml\n"
        ),
        l_dot_yaml="kind: List\nitems:\n- kind: ConfigMap\n  metadata: {name: one}\n- kind: ConfigMap\n  metadata: {name: two}\n",
    )
    assert refs(found) == [
        "ConfigMap/one l.yaml:4", "ConfigMap/two l.yaml:6", "ConfigMap/g kustomization.yaml:2", "Secret/s kustomization.yaml:4",
    ]  # fmt: skip
    assert [(p.target.text("name"), str(p.location)) for p in found.patches] == [("web", "kustomization.yaml:7")]
    assert found.kustomizations[0].get("secretGenerator.0.literals") == ["k=[redacted]"]


def test_a_path_that_is_not_there() -> None:
    assert build(tree_of({"a/b.yaml": b""}, None), "./c") is None
    assert build(tree_of({"a/b.yaml": b""}, None), "../../a") is not None


def test_what_kustomize_fetches() -> None:
    remote = [
        "https://x/y",
        "git@github.com:a/b",
        "github.com/a/b//c",
        "ssh://h/r",
        "../a?ref=v1",
        "git::x",
        "h.io/x.git",
    ]
    assert [e for e in [*remote, "../base", "a.yaml", "git", "x.com"] if is_remote(e)] == remote


def test_a_field_that_a_patch_sets_is_located_in_the_patch() -> None:
    release = "kind: HelmRelease\napiVersion: helm.toolkit.fluxcd.io/v2\nmetadata: {name: web, namespace: shop}\n"
    patch = release + "spec:\n  values:\n    replicas: 2\n"
    snapshot = world(
        FLEET + kustomization("apps", spec="path: ./prod", status="inventory: {entries: [{id: shop_web_helm.toolkit.fluxcd.io_HelmRelease}]}")
        + "---\n" + release,
        files={
            "git/flux-system/fleet/prod/kustomization.yaml": "resources: [../base]\npatches:\n- path: p.yaml\n  target: {kind: HelmRelease, name: we.}\n",
            "git/flux-system/fleet/prod/p.yaml": patch,
            "git/flux-system/fleet/base/kustomization.yaml": "resources: [r.yaml]\n",
            "git/flux-system/fleet/base/r.yaml": release + "spec: {values: {replicas: 1}, interval: 1h}\n",
        },
    )  # fmt: skip
    found = snapshot.cluster.get(Ref("HelmRelease", "shop", "web"))
    assert snapshot.manifests
    assert found
    owner = snapshot.graph.parent(found)
    assert (
        str(overlays.locate(snapshot.manifests, snapshot.cluster, found, "spec.values.replicas", owner))
        == "prod/p.yaml:6"
    )
    assert str(overlays.locate(snapshot.manifests, snapshot.cluster, found, "spec.interval", owner)) == "base/r.yaml:4"
