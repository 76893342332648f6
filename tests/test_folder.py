"""Snapshot folders that are not as they should be: a clear error, or a gap that names the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from fluxdoctor.collect import folder, save
from fluxdoctor.collect.archive import SnapshotError
from fluxdoctor.diagnose import diagnose
from fluxdoctor.model.facts import Gap
from fluxdoctor.model.resource import Ref
from tests.worlds import INCIDENTS

ABOUT = b"format: 1\ntaken: 2026-01-01T00:00:00Z\nlisted:\n- {kind: Namespace, namespaces: all}\n"
NAMESPACE = b'{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apps"}}'


@pytest.mark.parametrize(
    ("about", "words"),
    [
        (None, "world: no snapshot.yaml in it, so this is not a snapshot folder"),
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
        folder.parse(files, "world")
    assert str(error.value) == words


@pytest.mark.parametrize(
    ("path", "content", "gap"),
    [
        ("cluster/a.json", b'{"kind": "List", "items": [', Gap("cluster/a.json", "not JSON, line 1: the file is damaged or cut short")),
        ("cluster/a.json", b"[" * 100_000, Gap("cluster/a.json", "not JSON: the file is damaged or cut short")),
        ("cluster/a.yaml", b"kind: [", Gap("cluster/a.yaml", "not YAML, line 1: did not find expected node content")),
        ("cluster/a.json", b'{"kind": "Pod"}', Gap("cluster/a.json", "not a Kubernetes object: kind or metadata.name is missing")),
        ("cluster/a.json", b"[]", Gap("cluster/a.json", "not a Kubernetes object: kind or metadata.name is missing")),
        ("cluster/a.json", b'{"kind": "List", "items": [null]}', Gap("cluster/a.json item 0", "not a Kubernetes object: kind or metadata.name is missing")),
    ],
)  # fmt: skip
def test_a_broken_cluster_file_is_a_gap_and_ends_full_sight(path: str, content: bytes, gap: Gap) -> None:
    snapshot = folder.parse({"snapshot.yaml": ABOUT, "cluster/ns.json": NAMESPACE, path: content}, "world")
    assert snapshot.gaps == (gap,)
    assert snapshot.cluster.look(Ref("Namespace", "", "apps")).present
    assert snapshot.cluster.look(Ref("Namespace", "", "gone")).unknown
    assert f"{gap.what}: {gap.why}" in {s.why for s in diagnose(snapshot).skipped}


@pytest.mark.parametrize(
    "path", ["helm/apps/charts/index.yaml", "git/apps/fleet.refs.yaml", "oci/apps/redis.yaml", "probes.yaml"]
)
def test_another_broken_file_is_a_gap(path: str) -> None:
    snapshot = folder.parse({"snapshot.yaml": ABOUT, path: b"a: [\n"}, "world")
    assert snapshot.gaps == (Gap(path, "not YAML, line 2: did not find expected node content"),)
    assert snapshot.cluster.look(Ref("Namespace", "", "gone")).absent


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "snapshot.yaml").write_bytes(ABOUT)
    (tmp_path / "git" / "a" / "b").mkdir(parents=True)
    (tmp_path / "git" / "a" / "b" / "passwd").symlink_to("/etc/passwd")
    snapshot = folder.load(tmp_path)
    assert snapshot.gaps == (Gap("git/a/b/passwd", "a symbolic link is not followed"),)
    assert snapshot.git is None


@pytest.mark.parametrize("base", ["../other", "..", "a/b", "/etc"])
def test_extends_names_a_sibling_only(tmp_path: Path, base: str) -> None:
    (tmp_path / "snapshot.yaml").write_text(f"format: 1\ntaken: 2026-01-01T00:00:00Z\nextends: {base}\n")
    with pytest.raises(SnapshotError, match="extends names a folder beside this one, not a path"):
        folder.load(tmp_path)


def test_extends_inherits_git_and_helm_only(tmp_path: Path) -> None:
    base, own = tmp_path / "base", tmp_path / "own"
    for path, content in {
        "snapshot.yaml": ABOUT, "cluster/ns.json": NAMESPACE, "git/a/b/kept": b"1", "git/a/b/changed": b"1", "git/a/b/gone/x": b"1",
        "helm/a/c/index.yaml": b"entries: {podinfo: [{version: 1.0.0}]}\n",
    }.items():  # fmt: skip
        (base / path).parent.mkdir(parents=True, exist_ok=True)
        (base / path).write_bytes(content)
    (own / "git" / "a" / "b").mkdir(parents=True)
    (own / "git" / "a" / "b" / "changed").write_bytes(b"22")
    (own / "snapshot.yaml").write_bytes(ABOUT + b"extends: base\nwithout: [git/a/b/gone]\n")
    snapshot = folder.load(own)
    assert snapshot.git
    tree = snapshot.git.tree(Ref("GitRepository", "a", "b"))
    assert tree
    assert {p: tree.text(p) for p in tree.paths} == {"kept": b"1", "changed": b"22"}
    assert snapshot.charts
    assert snapshot.charts.offered(Ref("HelmRepository", "a", "c"), "podinfo") == ("1.0.0",)
    assert snapshot.cluster.look(Ref("Namespace", "", "apps")).absent


def test_save_writes_what_load_reads(tmp_path: Path) -> None:
    snapshot = folder.load(INCIDENTS / "hr-version-not-found")
    save.save(snapshot, tmp_path / "saved")
    again = folder.load(tmp_path / "saved")
    assert save.files(again) == save.files(snapshot)
    with pytest.raises(FileExistsError, match="is not empty"):
        save.save(snapshot, tmp_path / "saved")


def test_a_secret_in_a_git_file_is_saved_as_facts_and_moves_no_line() -> None:
    text = b"kind: A\n---\n# hush\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  a: hunter2\n---\nkind: B\nname: b\n"
    files = {"snapshot.yaml": ABOUT, "git/a/b/x.yaml": text}
    before = folder.parse(files, "world")
    saved = save.files(before)
    lines = saved["git/a/b/x.yaml"].decode().split("\n")
    assert lines[:2] == ["kind: A", "---"]
    assert lines[2] == (
        '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "keys": {"a": {"size": 7, "format": "text"}}}'
    )
    assert lines[3:] == ["", "", "", "", "", "---", "kind: B", "name: b", ""]
    assert save.files(folder.parse(saved, "world")) == saved
