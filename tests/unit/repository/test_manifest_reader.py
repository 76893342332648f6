"""What one check keeps for the next: the same answers as without, never of other content, and never a Secret's value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path as Folder
from typing import Any

import pytest

from fluxdoctor.app import check
from fluxdoctor.collect.net.deadline import DeadlineError
from fluxdoctor.intake import documents
from fluxdoctor.intake.places import FieldPath
from fluxdoctor.intake.tree import YamlFile, tree_of
from fluxdoctor.model.resource import Location, Ref, Resource
from fluxdoctor.repository.build import document, kustomize
from fluxdoctor.repository.facts import schema
from fluxdoctor.repository.files.content_cache import ContentCache
from fluxdoctor.repository.files.manifest_reader import ManifestReader
from fluxdoctor.repository.files.repository import Repository
from fluxdoctor.repository.follow.cluster_contents import ClusterContents
from fluxdoctor.repository.follow.discovery import EntryPoint
from tests.helpers.fleet import needs_kustomize
from tests.helpers.worlds import ROOT, rules

TEXTS = [
    b"a: 1\nb: [x, {c: y}]\nempty: {}\nnone:\n",
    b"# comment\n---\na: 1\n---\n---\nb: 2\n",
    b"base: &b {x: 1, y: [1, 2]}\nmade: {<<: *b, z: 3}\nagain: *b\nlist: [*b, *b]\n",
    b"one: &s text\ntwo: *s\n",
    b"\xef\xbb\xbfa:\r\n  b: 1\r\n  c: |\r\n    x\r\n",
    "a: é\nb: [ü]\n".encode("utf-16"),
    b"a: 1.0\nb: 1e300\nc: 9223372036854775808\nd: -0.0\ne: 2001-01-01\n1: x\n1.5: y\ntrue: z\na: twice\n",
    b"- 1\n- [2, 3]\n- a: 4\n",
    b"text\n",
    b"",
    b"# nothing\n",
    b"a: 1\n---\nb: [\n",
    b"a: !!binary aGFsbG8=\n",
    b'a: "\\ud800"\nb: 1\n',
]
SECRET = b"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {token: hunter2}\n"
HOLDERS = {
    "utf-16.yaml": SECRET.decode().encode("utf-16"),
    "escaped.yaml": SECRET.replace(b"Secret", b'"\\x53ecre\\x74"'),
    "text.yaml": b"|\n  kind: Secret\n  stringData: {token: hunter2}\n",
    "values.yaml": b"auth: {password: hunter2}\n",
    "secret.yaml": SECRET,
    "second.yaml": b"a: 1\n---\n" + SECRET,
    "list.yaml": b"kind: List\nitems:\n- kind: Secret\n  metadata: {name: s}\n  stringData: {token: hunter2}\n",
    "like.yaml": b"apiVersion: x.example.com/v1\nkind: ClusterSecret\nmetadata: {name: s}\nstringData: {token: hunter2}\n",
    "patch.yaml": b"patches:\n- target: {kind: Secret}\n  patch: |\n    - op: add\n      path: /data/x\n      value: hunter2\n",
    "kustomization.yaml": b"secretGenerator:\n- name: s\n  literals: [token=hunter2]\n",
    "generator.yaml": b"apiVersion: builtin\nkind: SecretGenerator\nmetadata: {name: s}\nliterals: [token=hunter2]\n",
}


def read(content: bytes, folder_: Folder, path: str = "kustomization.yaml") -> YamlFile:
    """Read one file, and keep what may be kept."""
    kept = ContentCache(folder_, ("fleet",))
    reading = ManifestReader({path: content}, kept)
    found = reading.read(content, path)
    reading.drop_secret_sources()
    kept.save()
    return found


def said(found: YamlFile) -> object:
    """All that a reader learns of a file."""
    return [(body, dict(marks)) for body, marks in found.documents], str(found.error)


def plain(content: bytes) -> object:
    """The same, by the parser alone."""
    parsed = documents.parse(content, "kustomization.yaml")
    return [(d.body, dict(d.marks)) for d in parsed.documents], str(parsed.error)


@pytest.fixture
def no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever parses now has kept nothing."""

    def parse(_: bytes, path: str) -> None:
        raise AssertionError(f"{path} is parsed")

    monkeypatch.setattr(documents, "parse", parse)


@pytest.mark.parametrize("content", TEXTS)
def test_what_is_kept_of_a_file_is_what_the_parser_says(content: bytes, tmp_path: Folder) -> None:
    expected = plain(content)
    assert said(read(content, tmp_path)) == expected
    assert said(read(content, tmp_path)) == expected


def test_a_file_that_is_kept_is_not_parsed_again(tmp_path: Folder, request: pytest.FixtureRequest) -> None:
    expected = said(read(TEXTS[2], tmp_path))
    request.getfixturevalue("no_parser")
    found = read(TEXTS[2], tmp_path, "elsewhere.yaml")
    assert said(found) == expected
    marks = found.documents[0][1]
    missing: list[FieldPath] = [("made", "w"), ("list", 7), ("list", "x"), ("list", -1), ("made", "x", "deeper")]
    assert [marks.get(path) for path in missing] == [None] * 5


def test_a_tree_of_kept_files_says_where_a_field_stands(tmp_path: Folder) -> None:
    read(TEXTS[0], tmp_path)
    kept = ContentCache(tmp_path, ("fleet",))
    tree = tree_of({"a.yaml": TEXTS[0]}, None, ManifestReader({}, kept).read)
    assert tree.parsed("a.yaml").documents[0].at("b.1.c") == Location("a.yaml", 2, 9)


def test_another_content_is_read_anew(tmp_path: Folder) -> None:
    read(b"a: 1\n", tmp_path)
    assert said(read(b"a: 2\n", tmp_path)) == ([({"a": 2}, {(): (1, 1), ("a",): (1, 1)})], "None")


@pytest.mark.parametrize("path", HOLDERS)
def test_a_file_with_values_of_a_secret_is_not_kept(path: str, tmp_path: Folder) -> None:
    content = HOLDERS[path]
    assert said(read(content, tmp_path, path)) == plain(content)
    assert [p.name for p in tmp_path.iterdir()] == []


def test_a_file_that_a_generator_makes_a_secret_of_is_not_kept(tmp_path: Folder) -> None:
    files = {
        "apps/kustomization.yaml": b"secretGenerator:\n- name: s\n  files: [values.yaml]\n",
        "apps/values.yaml": b"apiVersion: v1\nkind: ConfigMap\ndata: {password: hunter2}\n",
        "apps/other.yaml": b"apiVersion: v1\nkind: ConfigMap\ndata: {a: harmless}\n",
    }
    kept = ContentCache(tmp_path, ("fleet",))
    reading = ManifestReader(files, kept)
    for path, content in files.items():
        reading.read(content, path)
    reading.drop_secret_sources()
    kept.save()
    (at,) = tmp_path.iterdir()
    assert (b"hunter2" in at.read_bytes(), b"harmless" in at.read_bytes()) == (False, True)


SEALED = f"ENC[AES256_GCM,data:eA==,iv:{'a' * 43}=,tag:{'a' * 22}==,type:str]"


def test_a_sealed_secret_and_one_of_variables_are_kept(tmp_path: Folder, request: pytest.FixtureRequest) -> None:
    content = (
        "kind: Secret\napiVersion: v1\nmetadata: {name: s}\n"
        f"stringData: {{a: '${{TOKEN}}', b: '{SEALED}'}}\nsops: {{mac: '{SEALED}'}}\n"
    ).encode()
    expected = said(read(content, tmp_path))
    request.getfixturevalue("no_parser")
    assert said(read(content, tmp_path)) == expected


@pytest.fixture
def no_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads a built text now has kept nothing."""

    def bodies(text: str) -> None:
        raise AssertionError(f"{text} is parsed")

    monkeypatch.setattr(document, "bodies", bodies)


def objects_of(text: str, folder_: Folder) -> tuple[dict[str, object], ...]:
    """Read one built text, and keep what may be kept."""
    kept = ContentCache(folder_, ("fleet",))
    found = ManifestReader({}, kept).bodies(text)
    kept.save()
    return found


def test_a_built_text_is_parsed_once(tmp_path: Folder, request: pytest.FixtureRequest) -> None:
    text = "kind: ConfigMap\ndata: {a: '1'}\n"
    expected = ({"kind": "ConfigMap", "data": {"a": "1"}},)
    assert objects_of(text, tmp_path) == expected
    assert objects_of(text.replace("'1'", "'2'"), tmp_path) == ({"kind": "ConfigMap", "data": {"a": "2"}},)
    assert objects_of(text, tmp_path) == expected
    request.getfixturevalue("no_texts")
    assert objects_of(text, tmp_path) == expected


def test_a_built_secret_is_not_kept(tmp_path: Folder) -> None:
    objects_of(SECRET.decode(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def reached(*resources: Resource) -> ClusterContents:
    """A cluster that gets these objects of one Kustomization."""
    apps = Resource(body={}, ref=Ref("Kustomization", "flux-system", "apps"))
    held = {r.ref: r for r in resources}
    return ClusterContents(EntryPoint("fleet", apps, Ref("", "", "")), held, {ref: [apps.ref] for ref in held})


def repository(url: object, kind: str = "GitRepository") -> Resource:
    """A source with an address, right or wrong."""
    body = {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": kind, "metadata": {"name": "a", "namespace": "b"},
            "spec": {"interval": "1m", "url": url}}  # fmt: skip
    return Resource(body=body, ref=Ref(kind, "b", "a"))


def crd(wanted: str) -> Resource:
    """A definition of GitRepository by which one field is required."""
    spec = {"type": "object", "required": [wanted], "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
    }
    body = {"kind": "CustomResourceDefinition", "metadata": {"name": "gitrepositories.source.toolkit.fluxcd.io"},
            "spec": {"group": "source.toolkit.fluxcd.io", "names": {"kind": "GitRepository"}, "versions": [version]}}  # fmt: skip
    return Resource(body=body, ref=Ref("CustomResourceDefinition", "", "gitrepositories.source.toolkit.fluxcd.io"))


def told(folder_: Folder, *resources: Resource) -> list[str]:
    """What the schemas say of a cluster, with what earlier runs have kept."""
    kept = ContentCache(folder_)
    found = [flaw.why for flaw in schema.judge(reached(*resources), kept)[0].flaws]
    kept.save()
    return found


def test_verdicts_are_of_an_object_and_a_schema(tmp_path: Folder) -> None:
    fine, wrong = repository("https://example.com/a"), repository(7)
    for _ in range(2):
        assert told(tmp_path, fine) == []
        assert told(tmp_path, wrong) == ["spec.url: must be a string"]
        assert told(tmp_path, fine, crd("ref")) == ["spec.ref: Required value"]
        assert told(tmp_path, fine, crd("url")) == []


def test_a_verdict_that_is_kept_is_not_worked_out_again(tmp_path: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = told(tmp_path, repository(7))

    def validator(_: object) -> None:
        raise AssertionError("a schema is asked")

    monkeypatch.setattr(schema, "_validator", validator)
    assert told(tmp_path, repository(7)) == expected == ["spec.url: must be a string"]


def test_an_object_that_json_cannot_hold_is_a_gap(tmp_path: Folder) -> None:
    for definitions in ((), (crd("url"),)):
        schemas, gaps = schema.judge(reached(repository("\ud800"), *definitions), ContentCache(tmp_path))
        assert (schemas.flaws, [str(gap) for gap in gaps]) == (
            (),
            ["GitRepository/b/a: is not validated: JSON cannot hold it"],
        )
    assert list(tmp_path.iterdir()) == []


def test_a_check_says_of_changed_files_what_it_says_without_a_cache(tmp_path: Folder) -> None:
    files = {
        "clusters/a/apps.yaml": b"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        b"metadata: {name: apps, namespace: flux-system}\n"
        b"spec: {interval: 1m, prune: true, path: ./clusters/a, sourceRef: {kind: GitRepository, name: flux-system}}\n",
        "clusters/a/source.yaml": b"apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\n"
        b"metadata: {name: flux-system, namespace: flux-system}\nspec: {interval: 1m, url: https://example.com/a}\n",
    }
    held = Repository("fleet", files)
    wrong = replace(
        held, files={**files, "clusters/a/source.yaml": files["clusters/a/source.yaml"].replace(b"url", b"ulr")}
    )
    seen = []
    for one in (held, wrong, held):
        alone = check.check(one, rules())
        for _ in range(2):
            found = check.check(one, rules(), check.CheckOptions(cache=tmp_path))
            assert replace(found, taken=alone.taken) == alone
        seen.append(len(alone.findings))
        for at in tmp_path.glob("*.kept"):
            at.write_bytes(b"broken" + at.read_bytes())
    assert seen[0] == seen[2] != seen[1]


@needs_kustomize
def test_a_run_that_is_stopped_leaves_its_builds_to_the_next(tmp_path: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: flux-system, namespace: flux-system}\n"
        "spec: {interval: 1m, url: https://example.com/a}\n"
    )
    applied = "\n---\n".join(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        f"metadata: {{name: {name}, namespace: flux-system}}\n"
        f"spec: {{interval: 1m, prune: true, path: ./{path}, sourceRef: {{kind: GitRepository, name: flux-system}}}}\n"
        for name, path in (("flux-system", "clusters/a"), ("one", "one"), ("two", "two"))
    )
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {}, namespace: apps}}\n"
    texts = {
        "clusters/a/all.yaml": f"{source}---\n{applied}",
        "one/c.yaml": config.format("c"),
        "two/d.yaml": config.format("d"),
    }
    held = Repository("fleet", {path: text.encode() for path, text in texts.items()})
    built: list[str] = []
    build = kustomize.Stage.build
    stops: set[str] = {"one", "two"}

    def counted(self: kustomize.Stage, directory: str, body: Mapping[str, Any], number: int) -> kustomize.Output:
        built.append(directory)
        if directory in stops:
            raise DeadlineError("over")
        return build(self, directory, body, number)

    monkeypatch.setattr(kustomize.Stage, "build", counted)
    with pytest.raises(DeadlineError):
        check.check(held, rules(), check.CheckOptions(cache=tmp_path))
    stops.clear()
    seen = [sorted(built)]
    for _ in range(2):
        built.clear()
        check.check(held, rules(), check.CheckOptions(cache=tmp_path))
        seen.append(sorted(built))
    assert seen == [["clusters/a", "one", "two"], ["one", "two"], []]


def test_the_fixture_of_real_files_is_kept_without_loss(tmp_path: Folder) -> None:
    texts = [p.read_bytes() for p in sorted((ROOT / "fixtures" / "incidents").glob("*/git/**/*.yaml"))[:200]]
    assert texts
    for content in texts:
        expected = plain(content)
        assert said(read(content, tmp_path)) == expected
        assert said(read(content, tmp_path)) == expected
