"""The file of what checks keep: added to, told from a spoilt one, never larger than it is worth, and rid of what is dropped."""

from __future__ import annotations

from pathlib import Path as Folder

import pytest

from fluxdoctor.repository.files.content_cache import ContentCache


def answers(folder_: Folder, version: str = "1") -> object:
    """Return what is kept of one question."""
    return ContentCache(folder_, ("fleet",), version).get("files", "x")


def keep(folder_: Folder) -> Folder:
    """Keep one answer; return its file."""
    kept = ContentCache(folder_, ("fleet",), "1")
    kept.put("files", "x", [1])
    kept.save()
    (at,) = folder_.iterdir()
    return at


@pytest.mark.parametrize("spoilt", [b"", b"{}", b"0" * 64 + b"{}", b"\xff" * 90])
def test_a_broken_file_holds_nothing(spoilt: bytes, tmp_path: Folder) -> None:
    at = keep(tmp_path)
    assert (answers(tmp_path), at.stat().st_mode & 0o777) == ([1], 0o600)
    at.write_bytes(spoilt)
    assert answers(tmp_path) is None
    keep(tmp_path)
    assert answers(tmp_path) == [1]


def test_a_file_cut_short_or_changed_holds_nothing(tmp_path: Folder) -> None:
    at = keep(tmp_path)
    whole = at.read_bytes()
    at.write_bytes(whole[:-1])
    assert answers(tmp_path) is None
    at.write_bytes(whole.replace(b"[1]", b"[2]"))
    assert answers(tmp_path) is None


def test_another_version_or_format_holds_nothing(tmp_path: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(tmp_path)
    assert (answers(tmp_path, "2"), answers(tmp_path)) == (None, [1])
    monkeypatch.setattr("fluxdoctor.repository.files.content_cache._FORMAT", b"fluxdoctor kept 0\n")
    assert answers(tmp_path) is None


def test_another_repository_has_a_file_of_its_own(tmp_path: Folder) -> None:
    keep(tmp_path)
    assert ContentCache(tmp_path, ("other",), "1").get("files", "x") is None


def learn(folder_: Folder, new: str, *asked: str) -> bytes:
    """A run that asks for some answers and learns one; return what is in the file then."""
    kept = ContentCache(folder_, ("fleet",), "1")
    for digest in asked:
        kept.get("files", digest)
    kept.put("files", new, new.upper())
    kept.save()
    (at,) = folder_.iterdir()
    return at.read_bytes()


def held(folder_: Folder, *digests: str) -> list[object]:
    """Return the answers that are kept."""
    kept = ContentCache(folder_, ("fleet",), "1")
    return [kept.get("files", digest) for digest in digests]


def test_what_is_new_is_added_to_the_file(tmp_path: Folder) -> None:
    first = learn(tmp_path, "a")
    second = learn(tmp_path, "b", "a")
    assert (second.startswith(first), held(tmp_path, "a", "b")) == (True, ["A", "B"])


def test_what_a_run_does_not_ask_for_is_kept_until_it_is_half_as_much(tmp_path: Folder) -> None:
    learn(tmp_path, "a")
    learn(tmp_path, "b", "a")
    learn(tmp_path, "c", "b")
    assert held(tmp_path, "a", "b", "c") == ["A", "B", "C"]
    learn(tmp_path, "d", "b")
    assert held(tmp_path, "a", "b", "c", "d") == [None, "B", None, "D"]


def test_a_file_of_many_parts_is_written_anew(tmp_path: Folder) -> None:
    digests = [f"d{i:02}" for i in range(40)]
    whole = b""
    for i, digest in enumerate(digests):
        whole = learn(tmp_path, digest, *digests[:i])
        assert held(tmp_path, *digests) == [d.upper() if d in digests[: i + 1] else None for d in digests]
    assert whole.count(b'{"files":') == 40 % 16


def test_a_part_that_is_spoilt_takes_none_before_it_along(tmp_path: Folder) -> None:
    learn(tmp_path, "a")
    whole = learn(tmp_path, "b", "a")
    (at,) = tmp_path.iterdir()
    for spoilt in (whole[:-1], whole.replace(b'"B"', b'"C"'), whole + b"0" * 70, whole + b"x"):
        at.write_bytes(spoilt)
        assert held(tmp_path, "a", "b") == ["A", "B" if spoilt.startswith(whole) else None]
        assert learn(tmp_path, "new", "a", "b").count(b'{"files":') == 1
        assert held(tmp_path, "a", "new") == ["A", "NEW"]


def test_what_is_dropped_is_not_in_the_file_any_longer(tmp_path: Folder) -> None:
    learn(tmp_path, "a")
    learn(tmp_path, "b", "a")
    learn(tmp_path, "c", "a", "b")
    kept = ContentCache(tmp_path, ("fleet",), "1")
    for digest in ("b", "c"):
        kept.get("files", digest)
    kept.put("files", "d", "D")
    kept.drop("files", ["a", "d", "unknown"])
    kept.put("files", "e", "E")
    kept.save()
    (at,) = tmp_path.iterdir()
    assert (at.read_bytes().count(b'"A"'), held(tmp_path, "a", "b", "c", "d", "e")) == (0, [None, "B", "C", None, "E"])


def test_what_is_dropped_goes_though_nothing_is_new(tmp_path: Folder) -> None:
    learn(tmp_path, "a")
    learn(tmp_path, "b", "a")
    kept = ContentCache(tmp_path, ("fleet",), "1")
    kept.get("files", "b")
    kept.drop("files", ["a"])
    kept.save()
    (at,) = tmp_path.iterdir()
    assert (at.read_bytes().count(b'"A"'), held(tmp_path, "a", "b")) == (0, [None, "B"])


def test_a_file_that_is_gone_meanwhile_is_no_error(tmp_path: Folder) -> None:
    at = keep(tmp_path)
    kept = ContentCache(tmp_path, ("fleet",), "1")
    kept.get("files", "x")
    kept.put("files", "y", [2])
    at.unlink()
    kept.save()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Folder) -> None:
    at = tmp_path / "file"
    at.write_text("")
    kept = ContentCache(at, ("fleet",), "1")
    kept.put("files", "x", [1])
    kept.save()
    assert kept.get("files", "x") == [1]
