"""The commands of the documentation do what it says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import docpages
from tests.overlay import Overlay, overlay

__all__ = ["overlay"]

PAGES = sorted(p for p in docpages.DOCS.rglob("*.md") if "```console" in p.read_text("utf-8"))
HERE = [p for p in PAGES if "cluster" not in docpages.needs(p)]


def test_there_are_pages_to_follow() -> None:
    names = {str(p.relative_to(docpages.DOCS)) for p in PAGES}
    assert {"tutorial/first-five-minutes.md", "tutorial/your-own-rule.md"} <= names
    known = {"cluster", "kustomize"}
    assert {need for p in PAGES for need in docpages.needs(p)} <= known


@pytest.mark.parametrize("page", HERE, ids=lambda p: str(p.relative_to(docpages.DOCS)))
def test_page(page: Path, tmp_path: Path, overlay: Overlay) -> None:
    if "kustomize" in docpages.needs(page) and not shutil.which("kustomize"):
        pytest.skip("needs kustomize on PATH: make check-kustomize, make e2e")
    wrong = docpages.follow(page, tmp_path, overlay.env(HOME=str(tmp_path), COLUMNS="80"))
    assert not wrong, "\n\n".join(wrong)


def test_a_page_that_says_something_else_is_told(tmp_path: Path, overlay: Overlay) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '```text title="a.txt"\none\ntwo\n```\n```console\n$ cat a.txt\none\nthree\n$ ls\n...\na.txt\n...\n$ false\n```\n'
    )
    assert docpages.follow(page, tmp_path, overlay.env()) == [
        "$ cat a.txt\nprints:\none\ntwo\nthe page shows:\none\nthree",
        "$ false\nexit code 1:\n",
    ]
