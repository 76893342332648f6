"""The commands of the documentation do what it says."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from fluxdoctor.cli.main import cli
from tests.helpers import docpages
from tests.helpers.overlay import Overlay, overlay

__all__ = ["overlay"]

README = docpages.ROOT / "README.md"
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


def typed() -> list[tuple[str, str]]:
    """Where, and what: each fluxdoctor command of README, and of the blocks of the pages that are shown and not run."""
    found = [("README.md", line) for line in re.findall(r"^    (fluxdoctor .*)$", README.read_text("utf-8"), re.M)]
    for page in sorted(docpages.DOCS.rglob("*.md")):
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.M | re.S):
            lines = block.replace("\\\n", " ").splitlines()
            found += [(page.name, line) for line in lines if line.startswith("fluxdoctor ")]
    return found


@pytest.mark.parametrize(("page", "line"), typed())
def test_what_is_only_shown_has_commands_and_options_that_exist(page: str, line: str) -> None:
    words = shlex.split(re.split(r" [|>&]|;", line)[0], comments=True)[1:]
    command = cli.commands[words[0]]
    command.make_context(words[0], words[1:])  # raises click.UsageError


def long_lines(text: str) -> list[str]:
    """The lines of prose beyond 100 columns: not those of front matter, code, tables, headings and comments."""
    text = re.sub(r"\A---\n.*?^---\n", "", text, flags=re.M | re.S)
    text = re.sub(r"^( *)(`{3,}).*?^\1\2$", "", text, flags=re.M | re.S)
    lines = [line for line in text.splitlines() if not line.startswith(("    ", "#"))]
    return [line for line in lines if len(line) > 100 and not line.lstrip().startswith(("|", "<!--"))]


PROSE = [
    *docpages.ROOT.glob("*.md"),
    *(
        p
        for name in ("docs", "rules", "fixtures", "tests/cascades", "tests/traps")
        for p in (docpages.ROOT / name).rglob("*.md")
    ),
]


def test_prose_wraps_at_100_columns() -> None:
    assert len(PROSE) > 400
    wrong = {str(page.relative_to(docpages.ROOT)): long_lines(page.read_text("utf-8")) for page in sorted(PROSE)}
    assert {page: lines for page, lines in wrong.items() if lines} == {}


def test_a_long_line_of_prose_is_found() -> None:
    line = "word " * 21
    page = f"---\n{line}\n---\n# {line}\n{line}\n```yaml\n{line}\n```\n    {line}\n| {line} |\n"
    assert long_lines(page) == [line]


def test_a_page_that_says_something_else_is_told(tmp_path: Path, overlay: Overlay) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '```text title="a.txt"\none\ntwo\n```\n```console\n$ cat a.txt\none\nthree\n$ ls\n...\na.txt\n...\n$ false\n```\n'
    )
    assert docpages.follow(page, tmp_path, overlay.env()) == [
        "$ cat a.txt\nprints:\none\ntwo\nthe page shows:\none\nthree",
        "$ false\nexit code 1:\n",
    ]
