"""Snapshot folders that are not as they should be: a clear error, or a gap that names the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.store import save, snapshot_folder
from fluxdoctor.collect.store.archive import SnapshotError
from fluxdoctor.model.gaps import Gap
from fluxdoctor.model.resource import Ref
from tests.helpers.gaps import gap
from tests.helpers.worlds import INCIDENTS

BARE = b"format: 1\ntaken: 2026-01-01T00:00:00Z\n"
ABOUT = BARE + b"listed:\n- {kind: Namespace, namespaces: all}\n"
NAMESPACE = b'{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apps"}}'


@pytest.mark.parametrize(
    ("about", "words"),
    [
        (None, "world: not a snapshot folder: snapshot.yaml is missing"),
        (b"", "world/snapshot.yaml: format is None; this version reads format 1"),
        (b"- a\n", "world/snapshot.yaml: format is None; this version reads format 1"),
        (b"format: 2\ntaken: 2026-01-01T00:00:00Z\n", "world/snapshot.yaml: format is 2; this version reads format 1"),
        (b"format: 1\n", "world/snapshot.yaml: taken is None, not an RFC 3339 time"),
        (b"format: 1\ntaken: yesterday\n", "world/snapshot.yaml: taken is 'yesterday', not an RFC 3339 time"),
        (b"format: [1\n", "world/snapshot.yaml:2:1: did not find expected ',' or ']'"),
    ],
)
def test_a_folder_that_is_no_snapshot(about: bytes | None, words: str) -> None:
    files = {} if about is None else {"snapshot.yaml": about}
    with pytest.raises(SnapshotError) as error:
        snapshot_folder.parse(files, "world")
    assert str(error.value) == words


@pytest.mark.parametrize(
    ("path", "content", "gap"),
    [
        ("cluster/a.json", b'{"kind": "List", "items": [', gap("malformed", "cluster/a.json", "not JSON, line 1: the file is damaged or truncated")),
        ("cluster/a.json", b"[" * 100_000, gap("malformed", "cluster/a.json", "not JSON: the file is damaged or truncated")),
        ("cluster/a.yaml", b"kind: [", gap("malformed", "cluster/a.yaml", "not YAML, line 1: did not find expected node content")),
        ("cluster/a.json", b'{"kind": "Pod"}', gap("malformed", "cluster/a.json", "not a Kubernetes object: kind or metadata.name is missing")),
        ("cluster/a.json", b"[]", gap("malformed", "cluster/a.json", "not a Kubernetes object: kind or metadata.name is missing")),
        ("cluster/a.json", b'{"kind": "List", "items": [null]}', gap("malformed", "cluster/a.json item 0", "not a Kubernetes object: kind or metadata.name is missing")),
    ],
)  # fmt: skip
def test_a_broken_cluster_file_is_a_gap_and_ends_full_sight(path: str, content: bytes, gap: Gap) -> None:
    snapshot = snapshot_folder.parse({"snapshot.yaml": ABOUT, "cluster/ns.json": NAMESPACE, path: content}, "world")
    assert snapshot.gaps == (gap,)
    assert snapshot.cluster.look(Ref("Namespace", "", "apps")).present
    assert snapshot.cluster.look(Ref("Namespace", "", "gone")).unknown
    assert f"{gap.scope!s}: {gap.why}" in {s.why for s in diagnose(snapshot).skipped}


@pytest.mark.parametrize(
    "path", ["helm/apps/charts/index.yaml", "git/apps/fleet.refs.yaml", "oci/apps/redis.yaml", "probes.yaml"]
)
def test_another_broken_file_is_a_gap(path: str) -> None:
    snapshot = snapshot_folder.parse({"snapshot.yaml": ABOUT, "cluster/ns.json": NAMESPACE, path: b"a: [\n"}, "world")
    assert snapshot.gaps == (gap("malformed", path, "not YAML, line 2: did not find expected node content"),)
    assert snapshot.cluster.look(Ref("Namespace", "", "gone")).absent


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "snapshot.yaml").write_bytes(BARE)
    (tmp_path / "git" / "a" / "b").mkdir(parents=True)
    (tmp_path / "git" / "a" / "b" / "passwd").symlink_to("/etc/passwd")
    snapshot = snapshot_folder.load(tmp_path)
    assert snapshot.gaps == (gap("not-collected", "git/a/b/passwd", "symbolic links are not followed"),)
    assert snapshot.git is None


@pytest.mark.parametrize("base", ["../other", "..", "a/b", "/etc"])
def test_extends_names_a_sibling_only(tmp_path: Path, base: str) -> None:
    (tmp_path / "snapshot.yaml").write_text(f"format: 1\ntaken: 2026-01-01T00:00:00Z\nextends: {base}\n")
    with pytest.raises(SnapshotError, match="extends must be the name of a sibling folder, not a path"):
        snapshot_folder.load(tmp_path)


def test_extends_inherits_git_and_helm_only(tmp_path: Path) -> None:
    base, own = tmp_path / "base", tmp_path / "own"
    for path, content in {
        "snapshot.yaml": ABOUT, "cluster/ns.json": NAMESPACE, "git/a/b/kept.yaml": b"1", "git/a/b/changed.yaml": b"1", "git/a/b/gone/x": b"1",
        "helm/a/c/index.yaml": b"entries: {podinfo: [{version: 1.0.0}]}\n",
    }.items():  # fmt: skip
        (base / path).parent.mkdir(parents=True, exist_ok=True)
        (base / path).write_bytes(content)
    (own / "git" / "a" / "b").mkdir(parents=True)
    (own / "cluster").mkdir()
    (own / "cluster" / "other.json").write_bytes(NAMESPACE.replace(b"apps", b"other"))
    (own / "git" / "a" / "b" / "changed.yaml").write_bytes(b"22")
    (own / "snapshot.yaml").write_bytes(ABOUT + b"extends: base\nwithout: [git/a/b/gone]\n")
    snapshot = snapshot_folder.load(own)
    assert snapshot.git
    tree = snapshot.git.tree(Ref("GitRepository", "a", "b"))
    assert tree
    assert {p: tree.text(p) for p in tree.paths} == {"kept.yaml": b"1", "changed.yaml": b"22"}
    assert snapshot.charts
    assert snapshot.charts.offered(Ref("HelmRepository", "a", "c"), "podinfo") == ("1.0.0",)
    assert snapshot.cluster.look(Ref("Namespace", "", "apps")).absent


def test_save_writes_what_load_reads(tmp_path: Path) -> None:
    snapshot = snapshot_folder.load(INCIDENTS / "hr-version-not-found")
    save.save(snapshot, tmp_path / "saved")
    again = snapshot_folder.load(tmp_path / "saved")
    assert save.files(again) == save.files(snapshot)
    with pytest.raises(FileExistsError, match="is not empty"):
        save.save(snapshot, tmp_path / "saved")


def test_a_secret_in_a_git_file_is_saved_as_facts_and_moves_no_line() -> None:
    text = b"kind: A\n---\n# hush\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  a: hunter2\n---\nkind: B\nname: b\n"
    files = {"snapshot.yaml": BARE, "git/a/b/x.yaml": text}
    before = snapshot_folder.parse(files, "world")
    saved = save.files(before)
    lines = saved["git/a/b/x.yaml"].decode().split("\n")
    assert lines[:2] == ["kind: A", "---"]
    assert lines[2] == (
        '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "keys": {"a": {"size": 7, "format": "text"}}}'
    )
    assert lines[3:] == ["", "", "", "", "", "---", "kind: B", "name: b", ""]
    assert save.files(snapshot_folder.parse(saved, "world")) == saved


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("x.json", '{"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "s"}, "stringData": {"p": "hunter2-hunter2"}}'),
        ("x.yaml", "kind: List\napiVersion: v1\nitems:\n- kind: Secret\n  metadata: {name: s}\n  stringData: {p: hunter2-hunter2}\n"),
        ("x.yaml", "kind: ClusterSecret\napiVersion: acme.io/v1\nmetadata: {name: s}\nstringData: {p: hunter2-hunter2}\n"),
        ("kustomization.yaml", "patches:\n- patch: |\n    kind: Secret\n    metadata: {name: s}\n    stringData: {p: hunter2-hunter2}\n"),
        ("kustomization.yaml", "patches:\n- target: {kind: Secret}\n  patch: '[{op: add, path: /data/p, value: hunter2-hunter2}]'\n"),
        ("kustomization.yaml", "secretGenerator:\n- name: s\n  literals: [p=hunter2-hunter2]\n"),
        (".env", "PASSWORD=hunter2-hunter2"),
        ("id_rsa", "hunter2-hunter2"),
    ],
)  # fmt: skip
def test_no_value_of_a_secret_in_git_is_saved(path: str, text: str) -> None:
    saved = save.files(snapshot_folder.parse({"snapshot.yaml": BARE, f"git/a/b/{path}": text.encode()}, "world"))
    assert f"git/a/b/{path}" in saved
    assert b"hunter2" not in b"".join(saved.values())


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "SecretList", "apiVersion": "v1", "items": [{"metadata": {"name": "s", "namespace": "a"}, "stringData": {"p": "hunter2-x"}}]},
        {"kind": "List", "items": [{"kind": "List", "items": [{"kind": "Secret", "metadata": {"name": "s", "namespace": "a"}, "stringData": {"p": "hunter2-x"}}]}]},
    ],
    ids=["typed", "nested"],
)  # fmt: skip
def test_secrets_in_every_shape_of_list_become_facts(body: dict[str, object]) -> None:
    pod = {"kind": "Pod", "metadata": {"name": "p", "namespace": "a"}, "spec": {"args": ["--password=hunter2-x"]}}
    files = {
        "snapshot.yaml": ABOUT,
        "cluster/l.json": json.dumps(body).encode(),
        "cluster/p.json": json.dumps(pod).encode(),
    }
    snapshot = snapshot_folder.parse(files, "world")
    secret = snapshot.cluster.get(Ref("Secret", "a", "s"))
    assert secret
    assert secret.get("keys.p") == {"size": 9, "format": "text"}
    args = snapshot.cluster.all("Pod")[0].strings("spec.args")
    assert args == ("--password=[redacted]",)


def test_an_object_that_is_there_twice_and_differs_is_told() -> None:
    one, other = (
        {"kind": "Pod", "metadata": {"name": "p", "namespace": "a"}, "status": {"phase": p}}
        for p in ("Failed", "Running")
    )
    files = {
        "snapshot.yaml": ABOUT,
        **{f"cluster/{i}.json": json.dumps(o).encode() for i, o in enumerate((one, one, other))},
    }
    why = "the snapshot contains it twice with different content (cluster/0.json; cluster/2.json); the last one is used"
    assert snapshot_folder.parse(files, "world").gaps == (gap("conflicting", "Pod/a/p", why),)


def test_listed_kinds_without_any_file_are_not_known_to_be_absent() -> None:
    snapshot = snapshot_folder.parse({"snapshot.yaml": BARE + b"listed: [{kind: Pod, namespaces: all}]\n"}, "world")
    assert snapshot.gaps == (gap("conflicting", "cluster/", "snapshot.yaml lists kinds, but cluster/ has no files"),)
    assert snapshot.cluster.look(Ref("Pod", "a", "p")).unknown


@pytest.mark.parametrize(("line", "words"), [(b"extends: [1]\n", r"extends is \[1\], not the name of a folder")])
def test_a_field_of_the_wrong_type_is_an_error(line: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "snapshot.yaml").write_bytes(BARE + line)
    with pytest.raises(SnapshotError, match=words):
        snapshot_folder.load(tmp_path)
