"""The paths of a tree: those most like a missing one, as difflib answers, and those below a directory."""

from __future__ import annotations

import difflib

from hypothesis import given
from hypothesis import strategies as st

from fluxdoctor.model.tree import ParsedFile, Tree

_NAMES = st.text("abcdeéw-0", min_size=1, max_size=6)
_PATHS = st.lists(_NAMES, min_size=1, max_size=4).map("/".join)


@given(st.sets(_PATHS, max_size=30), _PATHS)
def test_the_answer_is_that_of_difflib(paths: set[str], wanted: str) -> None:
    tree = Tree(paths, lambda _: ParsedFile())
    head, _, name = wanted.rpartition("/")
    beside = sorted(p.rpartition("/")[2] for p in paths if p.rpartition("/")[0] == head)
    best = ["/".join(filter(None, (head, n))) for n in difflib.get_close_matches(name, beside, 3, 0.6)]
    rest = [p for p in difflib.get_close_matches(wanted, sorted(paths), 3, 0.7) if p not in best]
    assert tree.nearest(wanted, directories=False) == tuple((best + rest)[:3])


def test_a_letter_too_many_is_forgiven() -> None:
    tree = Tree(("apps/web/release.yaml", "apps/web/service.yaml", "apps/api/release.yaml"), lambda _: ParsedFile())
    assert tree.nearest("apps/web/relaese.yaml", directories=False) == (
        "apps/web/release.yaml", "apps/api/release.yaml", "apps/web/service.yaml",
    )  # fmt: skip


@given(st.sets(_PATHS, max_size=30), _PATHS)
def test_what_is_below_a_directory(paths: set[str], directory: str) -> None:
    tree = Tree(paths, lambda _: ParsedFile())
    assert tree.under(directory) == tuple(p for p in sorted(paths) if p.startswith(directory + "/"))
    assert tree.under("./") == tuple(sorted(paths))
