"""Hints of names that may have been meant."""

from __future__ import annotations

import pytest

from fluxdoctor import did_you_mean, nearest, suggestion


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("webap", ["webapp", "infra"], ("webapp",)),
        ("webapp", ["webapp", "infra"], ()),
        ("web", ["web1", "web2", "web3", "web4"], ("web4", "web3", "web2")),
        ("x", [], ()),
    ],
)
def test_nearest(name: str, known: list[str], expected: tuple[str, ...]) -> None:
    assert nearest(name, known) == expected


def test_did_you_mean() -> None:
    assert did_you_mean("webap", ["webapp"]) == "; did you mean webapp?"
    assert did_you_mean("webap", ["db"]) == ""


def test_suggestion() -> None:
    assert suggestion([]) == ""
    assert suggestion(["a"]) == "; did you mean a?"
    assert suggestion(["a", "b"]) == "; did you mean a or b?"
    assert suggestion(["a", "b", "c"]) == "; did you mean a, b or c?"
