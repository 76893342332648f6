"""The parts of the worktree collector, one by one."""

from __future__ import annotations

import os
import tempfile
import types
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from fluxdoctor import merge
from fluxdoctor.intake.tree import tree_of
from fluxdoctor.model import manifests
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.finding import Confidence, Finding, Report, Severity
from fluxdoctor.model.resource import Location, Ref, Resource
from fluxdoctor.model.snapshot import Snapshot, Versions
from fluxdoctor.repository.build import build_inputs, generate, kustomize, origins
from fluxdoctor.repository.build.cache import BuildCache
from fluxdoctor.repository.build.document import BuiltDocument
from fluxdoctor.repository.build.origins import Header, Origin
from fluxdoctor.repository.build.render import Renderer
from fluxdoctor.repository.build.substitute import Variables, apply, syntax_fault, undefined, unknown
from fluxdoctor.repository.facts import live_lookup
from fluxdoctor.repository.files.content_cache import ContentCache
from fluxdoctor.repository.follow import artifacts
from tests.helpers.fleet import needs_kustomize

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        ("a: ${A}", Variables({"A": "x"}, is_active=True), "a: x"),
        ("a: ${A}", Variables({}, is_active=True), "a: "),
        ("a: ${A}", Variables({}, is_active=False), "a: ${A}"),
        ("a: ${A}", Variables({}, is_open=True, is_active=True), "a: ${A}"),
        ("a: ${A:=y}", Variables({}, is_active=True), "a: y"),
        ("a: ${A:-y}", Variables({"A": ""}, is_active=True), "a: y"),
        ("a: ${A-y}", Variables({"A": ""}, is_active=True), "a: ${A-y}"),
        ("a: ${A=y} ${A:+z}", Variables({"A": ""}, is_active=True), "a: y z"),
        ("a: ${A^^} ${A^} ${A,,} ${#A} ${A:1}", Variables({"A": "xY"}, is_active=True), "a: XY XY xy 2 ${A:1}"),
        ("a: $$${A} $$A ${1}", Variables({"A": "x"}, is_active=True), "a: $x $A "),
        ("a: ${A:=p-${B}-s}", Variables({"B": "z"}, is_active=True), "a: p-z-s"),
        ("a: ${B:=p-${A}-s}", Variables({"B": "z"}, is_open=True, is_active=True), "a: z"),
        ("a: ${A:=${B}}", Variables({"B": "z"}, is_active=True), "a: z"),
        ("a: ${A:=y}", Variables({}, is_open=True, is_active=True), "a: ${A:=y}"),
        ("a: $${A}", Variables({"A": "x"}, is_active=True), "a: ${A}"),
        ("a: ${A}", Variables({"A": "${A}"}, is_active=True), "a: ${A}"),
        ("a: $A $(B)", Variables({"A": "x"}, is_active=True), "a: $A $(B)"),
        (
            "metadata: {annotations: {\n kustomize.toolkit.fluxcd.io/substitute: disabled}}\na: ${A}",
            Variables({"A": "x"}, is_active=True),
            "metadata: {annotations: {\n kustomize.toolkit.fluxcd.io/substitute: disabled}}\na: ${A}",
        ),
    ],
)
def test_substitute(text: str, variables: Variables, expected: str) -> None:
    assert apply(text, variables) == expected


@pytest.mark.parametrize(
    ("text", "variables", "syntax", "missing"),
    [
        ("a: ${A} ${B:=x} ${C}", Variables({"A": "x"}, is_active=True), "", "C"),
        ("a: ${B:=${D}}", Variables({"B": "x"}, is_active=True), "", "D"),
        ("a: ${C}", Variables({"A": "x"}, is_open=True, is_active=True), "", ""),
        ("a: ${C}", Variables({}, is_active=False), "", ""),
        ("a: $${C} $C $(C)", Variables({"A": "x"}, is_active=True), "", ""),
        ("a: ${list[@]}", Variables({"A": "x"}, is_active=True), "missing closing brace", ""),
        ("a: ${A-y}", Variables({"A": "x"}, is_active=True), "missing closing brace", ""),
        ("a: ${", Variables({"A": "x"}, is_active=True), "unable to parse variable name", ""),
        ("a: ${", Variables({}, is_open=True, is_active=True), "", ""),
    ],
)
def test_what_flux_refuses_to_replace(text: str, variables: Variables, syntax: str, missing: str) -> None:
    said = f"envsubst error: variable substitution failed: {syntax}" if syntax else ""
    assert (syntax_fault(text, variables), undefined(text, variables)) == (said, missing)


def test_what_is_not_known() -> None:
    values = ["${A}", "__PROVIDER__", "{{ x }}", "<< x >>", "plain", "$A", 3, None]
    assert [unknown(v) for v in values] == [True, True, True, True, False, False, False, False]


def kustomization(**spec: object) -> Resource:
    return Resource(body={"spec": spec}, ref=Ref("Kustomization", "flux-system", "apps"))


def test_the_spec_is_merged_into_the_kustomization_file() -> None:
    text = b"resources: [a.yaml]\nimages: [{name: x, newTag: '1', digest: sha256:a}, {name: w}]\nunknownField: 1\nnamespace: old\n"
    tree = tree_of({"apps/kustomization.yaml": text, "apps/a.yaml": b""}, None)
    made = generate.body(tree, kustomization(
        path="./apps", targetNamespace="web", namePrefix="p-", components=["../c"], patches=[{"patch": "x", "target": {"kind": "A"}}],
        images=[{"name": "x", "newTag": "2"}, {"name": "z", "newName": "q"}],
    ))  # fmt: skip
    assert made == {
        "resources": ["a.yaml"], "namespace": "web", "namePrefix": "p-", "components": ["../c"],
        "patches": [{"patch": "x", "target": {"kind": "A"}}],
        "images": [{"name": "x", "newTag": "2"}, {"name": "w"}, {"name": "z", "newName": "q"}],
    }  # fmt: skip


def test_a_generated_kustomization_file() -> None:
    files = dict.fromkeys(
        ("apps/b.yaml", "apps/sub/a.yml", "apps/own/kustomization.yml", "apps/own/x.yaml", "apps/c.json"), b""
    )
    made = generate.body(tree_of(files, None), kustomization(path="apps"))
    assert made["resources"] == ["./b.yaml", "./own", "./sub/a.yml"]


def test_a_component_from_elsewhere_is_refused() -> None:
    tree = tree_of({"apps/a.yaml": b""}, None)
    with pytest.raises(generate.NotBuilt, match="component path '/x' must be local and relative"):
        generate.body(tree, kustomization(path="apps", components=["/x"]))


def test_nothing_is_fetched() -> None:
    body = {
        "resources": ["a.yaml", "https://example.com/b.yaml", "github.com/x/y//z?ref=v1"],
        "configMapGenerator": [{"name": "c", "files": ["k=https://example.com/k", "d.json"], "literals": ["a=b"]}],
        "helmCharts": [{"name": "x"}],
    }
    assert build_inputs.offline(body) == (
        {
            "resources": ["a.yaml"],
            "configMapGenerator": [{"name": "c", "files": ["d.json"], "literals": ["a=b", "k="]}],
        },
        True,
    )
    assert build_inputs.offline({"resources": ["a.yaml"]}) == ({"resources": ["a.yaml"]}, False)


def test_artifacts_that_can_be_followed() -> None:
    generator = Resource(
        body={"spec": {
            "sources": [{"alias": "r", "kind": "GitRepository", "name": "fleet"}],
            "artifacts": [
                {"name": "a", "copy": [{"from": "@r/apps/**", "to": "@artifact/x/"}, {"from": "@r/one.yaml", "to": "@artifact/"}]},
                {"name": "b", "copy": [{"from": "@other/apps/**", "to": "@artifact/"}]},
                {"name": "c", "copy": [{"from": "@r/apps/*.yaml", "to": "@artifact/"}]},
            ],
        }},
        ref=Ref("ArtifactGenerator", "flux-system", "fleet"),
    )  # fmt: skip
    files = {"apps": ("apps/a.yaml", "apps/b/c.yaml"), "one.yaml": ("one.yaml",)}
    made = list(
        artifacts.generated_by(generator, Ref("GitRepository", "flux-system", "fleet"), lambda p: files.get(p, ()))
    )
    expected = {"x/a.yaml": "apps/a.yaml", "x/b/c.yaml": "apps/b/c.yaml", "one.yaml": "one.yaml"}
    assert made == [(Ref("ExternalArtifact", "flux-system", "a"), expected)]


def test_a_live_cluster_answers_what_the_repository_cannot_tell() -> None:
    release = {"apiVersion": "helm.toolkit.fluxcd.io/v2", "spec": {"valuesFrom": [
        {"kind": "Secret", "name": name} for name in ("there", "gone", "made")]}}  # fmt: skip
    external = {"kind": "ExternalSecret", "spec": {"target": {"name": "made"}}}
    declared = Cluster([
        Resource(body=release, ref=Ref("HelmRelease", "web", "app")),
        Resource(body=external, ref=Ref("ExternalSecret", "web", "es")),
    ])  # fmt: skip
    live = Cluster(
        [Resource(body={"kind": "Secret"}, ref=Ref("Secret", "web", "there"))],
        listed={"Secret": None, "Namespace": None},
    )
    live = Cluster([*live, Resource(body={}, ref=Ref("Namespace", "", "web"))], listed=live.listed)
    joined = live_lookup.join(
        Snapshot(NOW, declared, mode="check"), Snapshot(NOW, live, versions=Versions({"flux": "v2.9.4"}), mode="live")
    )
    sights = {name: joined.cluster.look(Ref("Secret", "web", name)).sight.value for name in ("there", "gone", "made")}
    assert sights == {"there": "present", "gone": "absent", "made": "unknown"}
    assert (joined.mode, joined.versions.found) == ("check", {"flux": "v2.9.4"})


def finding(subject: str, line: int, *, key: str = "") -> Finding:
    return Finding("kustomize/resource-missing", Severity.ERROR, Confidence.PROVEN, Ref("Kustomization", "flux-system", subject),
                   "m", "f", location=Location("base/kustomization.yaml", line), key=key)  # fmt: skip


def report(name: str, *findings: Finding) -> Report:
    return Report("check", NOW, findings, (), 1, 0, 1, name=name)


def test_a_fault_in_a_base_names_every_cluster_once() -> None:
    merged = merge.merge([report("a", finding("apps", 3)), report("b", finding("web", 3), finding("web", 4))], "fleet")
    assert [(str(f.location), f.subject.name, [r.name for r in f.also], f.clusters) for f in merged.findings] == [
        ("base/kustomization.yaml:3", "apps", ["web"], ("a", "b")),
        ("base/kustomization.yaml:4", "web", [], ("b",)),
    ]


def test_what_a_change_made_worse_in_one_cluster_only() -> None:
    before = merge.merge([report("a", finding("apps", 3))], "fleet")
    after = merge.merge([report("a", finding("apps", 3)), report("b", finding("apps", 3))], "fleet")
    worse = merge.without(after, merge.identities(before))
    assert [(f.subject.name, f.clusters) for f in worse.findings] == [("apps", ("b",))]


def test_what_a_build_leaves_on_disk_holds_no_value_of_a_secret() -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  password: hunter2-hunter2\n"
    value = f"ENC[AES256_GCM,data:eA==,iv:{'a' * 43}=,tag:{'a' * 22}==,type:str]"
    head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n"
    sealed = f"{head}sops:\n  mac: {value}\nstringData:\n  password: {value}\n"
    patch = (
        "kind: Kustomization\nmetadata:\n  name: k\nspec:\n  patches:\n"
        "  - patch: |\n      kind: Secret\n      stringData: {a: hunter2}\n"
    )
    release = "kind: HelmRelease\nmetadata:\n  name: r\nspec:\n  valuesFrom:\n  - kind: Secret\n    name: s\n"
    kept = BuiltDocument(secret).to_cache()
    assert isinstance(kept, dict)
    assert (kept["metadata"]["name"], "hunter2" in repr(kept), "stringData" in kept) == ("s", False, False)
    assert BuiltDocument(secret + "  other: ${A}\n").to_cache() is None
    assert BuiltDocument(sealed + "  other: ${A}\n").to_cache() == sealed + "  other: ${A}\n"
    assert BuiltDocument(sealed + "  other: ENC[${A}]\n").to_cache() is None
    assert BuiltDocument(patch).to_cache() is None
    variable = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  password: ${A}\n"
    assert BuiltDocument(variable).to_cache() == variable
    assert BuiltDocument(variable.replace("${A}", "${A:=hunter2-hunter2}")).to_cache() is None
    assert BuiltDocument(variable.replace("${A}", "hunter2${A}")).to_cache() is None
    assert BuiltDocument(variable.replace("${A}", "${A}\n  next: hunter2")).to_cache() is None
    body = {"kind": "HelmRelease", "metadata": {"name": "r"}, "spec": {"valuesFrom": [{"kind": "Secret", "name": "s"}]}}
    assert BuiltDocument(release).to_cache() == body


@pytest.mark.skipif(not kustomize.command(), reason="no kustomize")
def test_a_build_that_reads_more_than_its_kustomization_files_name() -> None:
    """The path of the patch stands in a transformer's own file: it is found when the build with what is named has failed."""
    transformer = (
        "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: t}\n"
        "path: ../patches/p.yaml\ntarget: {kind: ConfigMap}\n"
    )
    files = {
        "a/kustomization.yaml": b"resources: [c.yaml]\ntransformers: [t.yaml]\n",
        "a/c.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
        "a/t.yaml": transformer.encode(),
        "patches/p.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {patched: 'yes'}\n",
        "elsewhere/x.yaml": b"kind: X\n",
    }
    tree = tree_of(files, None)
    assert "patches/p.yaml" not in build_inputs.closure(tree, "a").files
    renderer = Renderer(tree, files, kustomize.Command(kustomize.command()), BuildCache(ContentCache()))
    body = {"spec": {"path": "a"}}
    try:
        with ThreadPoolExecutor(1) as pool:
            found = renderer.start(Resource(body=body, ref=Ref("Kustomization", "flux-system", "a")), pool).result()
    finally:
        renderer.close()
    assert (found.error, [d.read(Variables()) for d in found.documents]) == (
        "",
        [({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"patched": "yes"}},)],
    )


@pytest.mark.skipif(not kustomize.command(), reason="no kustomize")
def test_only_the_files_that_are_needed_are_written() -> None:
    stage = kustomize.Stage({"a/x.yaml": b"x", "b/y.yaml": b"y"}, kustomize.Command(kustomize.command()))
    try:
        stage.write("b/y.yaml", {"kind": "Y"})
        assert (stage.write_missing(["a/x.yaml"]), stage.write_missing(["a/x.yaml", "b/y.yaml"])) == (True, False)
        assert (stage.root / "b/y.yaml").read_bytes() == b'{"kind":"Y"}'
    finally:
        stage.close()


@pytest.mark.skipif(
    not os.access(kustomize.MEMORY_DISK, os.W_OK), reason="no file system in memory here: Linux has one"
)
def test_builds_are_made_in_memory_where_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def root() -> Path:
        stage = kustomize.Stage({"a/x.yaml": b"x" * 100}, kustomize.Command())
        stage.close()
        return stage.root

    full = types.SimpleNamespace(f_bavail=(32 << 20) + 400, f_frsize=1)
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    in_memory = root()
    monkeypatch.setattr(os, "statvfs", lambda _: full)
    without_room = root()
    monkeypatch.undo()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    asked_for = root()
    assert [path.parent.parent for path in (in_memory, without_room, asked_for)] == [
        Path(kustomize.MEMORY_DISK),
        tmp_path,
        tmp_path,
    ]
    assert not any(path.exists() for path in (in_memory, without_room, asked_for))


def test_where_each_object_of_a_build_was_written() -> None:
    files = {
        "a/kustomization.yaml": b"namePrefix: p-\nresources: [x.yaml, y.yaml]\nconfigMapGenerator: [{name: g, literals: [a=b]}]\n",
        "a/x.yaml": b"kind: A\nmetadata: {name: one, namespace: n}\n---\nkind: A\nmetadata: {name: one, namespace: m}\n",
        "a/y.yaml": b"kind: B\nmetadata: {name: renamed}\n",
    }
    tree = tree_of(files, None)
    built = [
        Header("A", "m", "p-one"), Header("A", "n", "p-one"), Header("B", "", "other"),
        Header("ConfigMap", "", "p-g-h4sh"), Header("C", "", "remote"),
    ]  # fmt: skip
    found = origins.match(tree, built, manifests.build(tree, "a"))
    assert found == [
        Origin("a/x.yaml", 1), Origin("a/x.yaml", 0), Origin("a/y.yaml", 0), Origin("a/kustomization.yaml", -1), None,
    ]  # fmt: skip
    assert origins.LazyMarks(tree, Origin("a/x.yaml", 1))[("metadata", "namespace")] == (5, 23)


def test_the_header_of_a_document_is_read_without_its_values() -> None:
    text = (
        "apiVersion: v1\ndata:\n  name: wrong\nkind: ConfigMap\nmetadata:\n  annotations:\n    name: wrong\n"
        '  name: "${A}-x"\n  namespace: web\nother:\n  name: wrong\n'
    )
    assert BuiltDocument(text).header == Header("ConfigMap", "web", "${A}-x")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Error: no\n", "Error: no\n"),
        (
            'E1125 12:58:33.517264    9600 run.go:72] "command failed" err="from \'x.yaml\': \\"no\\""\n',
            "from 'x.yaml': \"no\"",
        ),
        ('E1125 12:58:33.517264    9600 run.go:72] "command failed" err=<\n\tone\n\ttwo\n >\n', "one\ntwo"),
        ('E1125 12:58:33.517264    9600 run.go:72] "command failed" err="\\x00"\n', "\\x00"),
    ],
)
def test_what_kubectl_logs_is_what_kustomize_says(said: str, expected: str) -> None:
    assert kustomize.strip_log_line(said) == expected


@needs_kustomize
def test_a_failure_is_told_in_the_same_words_each_time() -> None:
    made = {"configMapGenerator": [{"name": "values", "behavior": "merge", "literals": ["a=b"]}]}
    files = {"app/kustomization.yaml": orjson.dumps(made)}
    stage = kustomize.Stage(files, kustomize.Command(kustomize.command()))
    try:
        stage.write_missing(files)
        said = [stage.build("app", made, number).error for number in range(2)]
    finally:
        stage.close()
    assert said[0] == said[1]
    assert said[0].startswith("kustomize build failed: merging from generator &{0x... ")
