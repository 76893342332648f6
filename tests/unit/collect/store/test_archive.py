"""A snapshot as one file: it reads back to the same report, and a hostile or damaged one is a clear error or a gap."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.store import save, snapshot_folder
from fluxdoctor.collect.store.archive import SnapshotError
from fluxdoctor.report import json
from tests.helpers.gaps import gap
from tests.helpers.worlds import INCIDENTS

ABOUT = b"format: 1\ntaken: '2026-01-01T00:00:00Z'\n"


def pack(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def file(name: str, content: bytes = b"") -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), content


@pytest.mark.parametrize("name", ["cascade-chain-top", "ks-health-crashloop", "hr-values-schema-enum"])
def test_an_archive_reads_back_to_the_same_report(name: str, tmp_path: Path) -> None:
    snapshot = snapshot_folder.load(INCIDENTS / name)
    path = tmp_path / f"{name}.tgz"
    save.save(snapshot, path)
    assert json.body(diagnose(snapshot_folder.load(path))) == json.body(diagnose(snapshot))
    assert (path.stat().st_mode & 0o777, list(tmp_path.iterdir())) == (0o600, [path])
    first = path.read_bytes()
    path.unlink()
    save.save(snapshot, path)
    assert path.read_bytes() == first


def test_what_is_in_the_way_is_not_overwritten(tmp_path: Path) -> None:
    snapshot = snapshot_folder.load(INCIDENTS / "cascade-chain-top")
    path = tmp_path / "x.tgz"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"x\.tgz already exists"):
        save.save(snapshot, path)
    assert path.read_text() == "mine"


def test_an_archive_with_one_folder_at_its_top_is_read(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.tgz", file("incident/snapshot.yaml", ABOUT))
    assert snapshot_folder.load(path).gaps == ()


def test_a_link_or_a_path_out_of_the_archive_is_left_out(tmp_path: Path) -> None:
    link = tarfile.TarInfo("cluster/passwd.yaml")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    path = pack(tmp_path / "x.tgz", file("snapshot.yaml", ABOUT), (link, b""), file("../../x.yaml", b"kind: Pod"))
    why = "not a regular file, or outside the snapshot: skipped"
    loaded = snapshot_folder.load(path)
    assert loaded.gaps == (gap("not-collected", "cluster/passwd.yaml", why), gap("not-collected", "../../x.yaml", why))
    assert len(loaded.cluster) == 0
    assert list(tmp_path.iterdir()) == [path]


def test_an_archive_that_was_cut_short_is_a_gap_and_nothing_counts_as_listed(tmp_path: Path) -> None:
    whole = tmp_path / "whole.tgz"
    save.save(snapshot_folder.load(INCIDENTS / "cascade-chain-top"), whole)
    content = whole.read_bytes()
    path = tmp_path / "cut.tgz"
    path.write_bytes(content[: len(content) // 2])
    loaded = snapshot_folder.load(path)
    assert (
        gap("malformed", "cluster/", "cut.tgz is damaged or truncated: everything after snapshot.yaml is missing")
        in loaded.gaps
    )
    assert not loaded.cluster.saw_all("Kustomization")


def test_an_archive_that_unpacks_without_end_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fluxdoctor.collect.store.archive.MAX_TOTAL", 1_000_000)
    bomb = file("cluster/bomb.json", bytes(2_000_000))
    path = pack(tmp_path / "x.tgz", file("snapshot.yaml", ABOUT), bomb)
    assert snapshot_folder.load(path).gaps == (
        gap("too-large", "cluster/", "x.tgz is too large: the rest was not read"),
    )


@pytest.mark.parametrize("content", [b"", b"not an archive", gzip.compress(b"not a tar")])
def test_what_is_no_archive_is_one_clear_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.tgz"
    path.write_bytes(content)
    with pytest.raises(SnapshotError, match=r"x\.tgz"):
        snapshot_folder.load(path)
