"""Comments that ignore: which lines they speak of, and what is no comment."""

from __future__ import annotations

import pytest

from fluxdoctor.settings import comments

C = "# fluxdoctor: ignore[a/b]"


def said(text: str) -> list[tuple[str, str, int, tuple[int, int]]]:
    """Rule, reason, line, and the lines spoken of."""
    found = comments.read({"apps/web.yaml": text.encode()})
    return [(i.rule, i.reason, i.at.line if i.at else 0, i.lines) for i in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"a: 1\nb: 2 {C} it is so\nc: 3\n", [("a/b", "it is so", 2, (2, 2))]),
        (f"a: 1\n{C}: it is so\n\n# more\nb: 2\n", [("a/b", "it is so", 2, (5, 5))]),
        (f"a: 1\n{C} - x\n---\nb: 2\n", [("a/b", "x", 2, (-1, -1))]),
        (f"{C} x\na: 1\nb: 2\n", [("a/b", "x", 1, (0, 3))]),
        (f"a: 1 {C} x\nb: 2\n---\nc: 3\n", [("a/b", "x", 1, (0, 2))]),
        (f"# a licence\n{C} x\n---\na: 1\nb: 2\n", [("a/b", "x", 2, (0, 5))]),
        (f"a: 1\n---\n{C} x\nb: 2\nc: 3\n---\nd: 4\n", [("a/b", "x", 3, (2, 5))]),
        (f"a: 1\n--- {C} x\nb: 2\nc: 3\n", [("a/b", "x", 2, (2, 4))]),
        ("a: 1\nb: 2 # fluxdoctor: ignore[a/b, c/*]\n", [("a/b", "", 2, (2, 2)), ("c/*", "", 2, (2, 2))]),
        ("a: 1\nb: 2 # fluxdoctor: ignore because\n", [("", "because", 2, (2, 2))]),
        (f"a: 1\nb: 2 #fluxdoctor:ignore[a/b] x\n{C}\n", [("a/b", "x", 2, (2, 2)), ("a/b", "", 3, (-1, -1))]),
    ],
)
def test_what_a_comment_speaks_of(text: str, found: list[tuple[str, str, int, tuple[int, int]]]) -> None:
    assert said(text) == found


@pytest.mark.parametrize(
    "text",
    [
        f"a: |\n  x\n  {C} x\nb: 1\n",
        f"a: >-\n  x\n\n  {C} x\n",
        f'a: "x {C} x"\n',
        f"a: 'x\n  {C} x'\n",
        f"a: x{C} x\n",
        "a: 1 # fluxdoctor: ignored\n",
        "a: 1 # say fluxdoctor: ignore[a/b] x\n",
    ],
)
def test_what_only_looks_like_one(text: str) -> None:
    assert said(text) == []


def test_behind_the_head_of_a_block_and_after_its_end() -> None:
    text = f"z: 1\na: | {C} x\n  text\n{C} y\nb: 1\n"
    assert said(text) == [("a/b", "x", 2, (2, 2)), ("a/b", "y", 4, (5, 5))]


def test_a_file_that_is_no_yaml_is_still_read() -> None:
    assert said(f"{{{{ if x }}}}\na: 1 {C} x\n") == [("a/b", "x", 2, (2, 2))]


def test_other_files_hold_none() -> None:
    assert comments.read({"notes.md": f"{C} x".encode(), "a.yml": b"a: 1\n"}) == ()
