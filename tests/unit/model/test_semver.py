from __future__ import annotations

import json
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxdoctor.model.semver import (
    Constraint,
    InvalidConstraint,
    InvalidVersion,
    Version,
    is_empty,
    newest_first,
    satisfying,
)
from tests.helpers.worlds import ROOT

VECTORS: dict[str, Any] = json.loads((ROOT / "fixtures/vectors/semver.json").read_text(encoding="utf-8"))

# Answers of Masterminds/semver v3.5.0 where another reading of its rules would come out differently.
SURPRISES = (
    ("== 1.2.3", "1.2.3", "CERR"),
    ("==1.2.3", "1.2.3", "CERR"),
    ("", "1.0.0", "CERR"),
    (" ", "1.0.0", "CERR"),
    ("1 ||", "1.0.0", "CERR"),
    ("|| 1", "1.0.0", "CERR"),
    ("1 | 2", "1.0.0", "CERR"),
    ("1|2", "1.0.0", "CERR"),
    # Hyphen ranges are rewritten as text, before anything else is read.
    ("1||2", "9.0.0", "false"),
    ("1||2 - 3", "9.0.0", "true"),
    ("1 || 2 - 3", "9.0.0", "false"),
    ("1 - 2 - 3", "2.0.0", "CERR"),
    ("11 - 2 || 1 - 2", "1.5.0", "true"),
    ("5 1 - 2", "1.5.0", "CERR"),
    ("1 - 2,11 - 2", "1.5.0", "false"),
    ("1 - 2||11 - 2", "1.5.0", "CERR"),
    (">1 - 2", "1.5.0", "CERR"),
    ("1 - 2 3", "2.0.0", "false"),
    ("1 - 2, <1.5", "1.4.0", "true"),
    ("1.2.3.4 - 5", "4.0.0", "CERR"),
    ("1 -2", "1.0.0", "CERR"),
    ("1\t-\n2", "1.5.0", "true"),
    ("1 - 1.0.0-a", "1.0.0-a", "false"),
    # A wildcard major is 0.0.0 to most operators.
    ("^*", "0.0.0", "true"),
    ("^*", "0.0.1", "false"),
    ("<=*", "0.0.9", "true"),
    ("<=*", "0.1.0", "false"),
    (">*", "0.0.1", "true"),
    ("!=*", "0.0.0", "false"),
    ("!=*", "1.0.0", "true"),
    ("~*", "7.0.0", "true"),
    ("*.5.2", "9.0.0", "true"),
    ("1.x.5", "1.9.0", "true"),
    ("x-0", "1.0.0-a", "true"),
    ("1x.2", "1.2.0", "CERR"),
    ("1.2.xx", "1.2.0", "CERR"),
    ("1.x-01", "1.2.3", "CERR"),
    ("1.2.3+01", "1.2.3", "true"),
    ("~0.0.0", "9.9.9", "true"),
    ("~0.0", "0.1.0", "false"),
    ("~0.0.0-alpha", "4.0.0-rc.1", "true"),
    ("^0.0.3-a", "0.0.3-b", "true"),
    ("!=1.2.x-a", "1.2.9-a", "false"),
    ("!=1.2.x-a", "1.2.9-b", "true"),
    ("!=1.2.x-a", "1.2.9", "true"),
    ("!=1.x-a", "1.2.9-b", "false"),
    (">1.x.x-a", "1.5.0", "false"),
    ("<=1.2-a", "1.2.9-b", "true"),
    # One member that names a prerelease lets them in for its whole group, and for no other.
    (">=1.0.0 <2.0.0-0", "1.5.0-rc.1", "true"),
    (">=1.0.0 || <2.0.0-0", "1.5.0-rc.1", "true"),
    (">=1.0.0 || >=3.0.0-0", "1.5.0-rc.1", "false"),
    # Blanks, separators and signs.
    ("1.2\v", "1.2.0", "CERR"),
    ("\u00a01.2", "1.2.0", "CERR"),
    ("1.2,\t<3", "1.2.0", "true"),
    ("1.2,,<3", "1.2.0", "CERR"),
    ("1.2,", "1.2.0", "CERR"),
    (",1.2", "1.2.0", "CERR"),
    (">1<3", "2.0.0", "CERR"),
    ("> = 1", "1.0.0", "CERR"),
    ("~ >1", "1.0.0", "CERR"),
    ("~> 1", "1.4.0", "true"),
    ("^\n1", "1.0.0", "true"),
    ("V1", "1.0.0", "CERR"),
    ("vv1", "1.0.0", "CERR"),
    ("=>v1", "1.0.0", "true"),
    # Numbers of 64 bits: beyond them a version is refused, and a prerelease number is a word.
    ("18446744073709551615", "18446744073709551615.9.9", "true"),
    ("18446744073709551616", "1.0.0", "CERR"),
    ("1.18446744073709551616.x", "1.0.0", "CERR"),
    ("<1.0.0-18446744073709551616", "1.0.0-rc", "false"),
    (">1.0.0-18446744073709551615", "1.0.0-18446744073709551616", "true"),
    # Limits: a full target counts its build metadata, a partial one does not.
    ("1.2.3+" + "a" * 250, "1.2.3", "true"),
    ("1.2.3+" + "a" * 251, "1.2.3", "CERR"),
    ("v1.2.3+" + "a" * 250, "1.2.3", "CERR"),
    ("1.2+" + "a" * 508, "1.2.3", "true"),
    ("1.2+" + "a" * 509, "1.2.3", "CERR"),
    ("1" + " " * 511, "1.2.3", "true"),
    ("1" + " " * 512, "1.2.3", "CERR"),
    ("||".join("1" * 32), "1.2.3", "true"),
    ("||".join("1" * 33), "1.2.3", "CERR"),
    ("*", "0" * 251 + "1.2.3", "true"),
    ("*", "0" * 252 + "1.2.3", "VERR"),
    # Versions.
    ("1.2.3", "00001.02.3", "true"),
    ("1.2.3", "1.2.3\n", "VERR"),
    ("1.2.3", " 1.2.3", "VERR"),
    ("1.2.3", "", "VERR"),
    ("1.2.3", "V1.2.3", "VERR"),
    ("1.2.3", "1.2.3-\u00e9", "VERR"),
    ("1.2.3", "1.2.\u0663", "VERR"),
    ("1.2.3", "1.2.3-0", "false"),
    ("1.2.3-0", "1.2.3-00", "VERR"),
    ("1.2.3", "1.2.3-a..b", "VERR"),
    ("1.2.3", "1.2.3+", "VERR"),
    ("1.2.3", "1.2.3+a_b", "VERR"),
    ("1.2.3--", "1.2.3--", "true"),
    ("1.2.3-a+b.01", "v1.2.3-a+c", "true"),
)

ASCENDING = (
    "0.0.0-0", "0.0.0", "0.0.1", "0.1", "1.0.0-0", "1.0.0-2", "1.0.0-10", "1.0.0-18446744073709551615",
    "1.0.0--", "1.0.0-18446744073709551616", "1.0.0-99999999999999999999", "1.0.0-A", "1.0.0-alpha",
    "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
    "1", "1.0.1", "v1.2", "1.10.0", "2.0.0-0", "2", "18446744073709551615.0.0",
)  # fmt: skip

HOSTILE = st.one_of(
    st.text(),
    st.text(st.characters(categories=["Cs", "Nd", "Zs", "Cc"])),
    st.text(alphabet="v0123456789.-+xX*|~^<>=!, \t\nab", max_size=600),
)

LONG = (
    "0", "1.", "1", "a", "-", "1-", "1-a.", "1-a+", "1+a.", " ", "\t", " - ", "1 - ", "1 - 2 ", "1 ", "1  ",
    "1, ", ",", "|", "||", "1||", "1 || ", ">=", "> 1 ", "x.", "*", "v", "~>", "\u0663", "\ud800", "\0", "\n",
)  # fmt: skip


def answer(constraint: str, version: str) -> str:
    try:
        wanted = Constraint.parse(constraint)
        return str(wanted.allows(Version.parse(version))).lower()
    except InvalidConstraint:
        return "CERR"
    except InvalidVersion:
        return "VERR"


def test_every_answer_of_the_go_library_agrees() -> None:
    asked = [
        (constraint, version, expected)
        for constraint, row in VECTORS["constraints"].items()
        for version, expected in zip(VECTORS["versions"], row, strict=True)
    ]
    assert len(asked) == 4730
    assert [(c, v, expected, got) for c, v, expected in asked if (got := answer(c, v)) != expected] == []


def test_surprising_answers_of_the_go_library_agree() -> None:
    assert [(c, v, expected, got) for c, v, expected in SURPRISES if (got := answer(c, v)) != expected] == []


def test_a_version_keeps_its_parts() -> None:
    read = Version.parse("v1.2-rc.1+build.05")
    assert (read.major, read.minor, read.patch) == (1, 2, 0)
    assert (read.prerelease, read.metadata, read.text) == ("rc.1", "build.05", "v1.2-rc.1+build.05")


def test_versions_sort_by_precedence() -> None:
    versions = [Version.parse(text) for text in ASCENDING]
    wrong = [
        (low.text, high.text)
        for i, low in enumerate(versions)
        for high in versions[i + 1 :]
        if not (low < high and high > low and low <= high and high >= low and low != high)
    ]
    assert wrong == []


def test_spelling_and_build_metadata_make_no_difference() -> None:
    spellings = [Version.parse(text) for text in ("1", "1.0", "v1.0.0", "01.0.0+a", "1.0.0+b")]
    assert len(set(spellings)) == 1
    assert not any(one < other for one in spellings for other in spellings)


@pytest.mark.parametrize(
    ("constraint", "wants"),
    [
        ("*", False),
        (">=1.0.0", False),
        ("1.0.0+a-b", False),
        (">=1-0", True),
        ("1 || 2-rc", True),
        ("x-0", True),
    ],
)
def test_a_constraint_says_whether_it_wants_prereleases(constraint: str, wants: bool) -> None:
    assert Constraint.parse(constraint).wants_prerelease is wants


def test_satisfying_lists_the_newest_first_in_their_own_spelling() -> None:
    versions = ["latest", "1.2.0", "v1.10.0", "1.3.0-rc.1", "2.0.0", "", "1.2", "0.9"]
    assert satisfying("^1", iter(versions)) == ("v1.10.0", "1.2", "1.2.0")
    assert satisfying("^1-0", versions) == ("v1.10.0", "1.3.0-rc.1", "1.2", "1.2.0")
    assert satisfying(">3", versions) == ()
    with pytest.raises(InvalidConstraint, match="'newest'"):
        satisfying("newest", versions)


def test_newest_first_puts_what_is_no_version_last_whatever_the_order_it_came_in() -> None:
    expected = ("1.10", "1.9+b", "v1.9.0", "1.9.0-rc", "", "latest", "main")
    assert {newest_first(iter(order)) for order in permutations(expected)} == {expected}
    assert newest_first(["1", "x", "1", "x"]) == ("1", "1", "x", "x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("latest", "not a semantic version: 'latest'"),
        ("18446744073709551616", "version with a number beyond 64 bits: '18446744073709551616'"),
        ("1.2.3-a.01", "version with a prerelease number that starts with 0: '1.2.3-a.01'"),
        ("1" * 257, f"version longer than 256 characters: '{'1' * 80}'..."),
    ],
)
def test_a_refused_version_says_why(text: str, said: str) -> None:
    with pytest.raises(InvalidVersion) as caught:
        Version.parse(text)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (">1 ==2", "not a version constraint: '>1 ==2'"),
        ("1.x5", "not a version constraint: '1.x5': not a semantic version: '1.x5.0'"),
        ("1" * 513, f"constraint longer than 512 characters: '{'1' * 80}'..."),
        ("||" * 32, "constraint of more than 32 alternatives: '" + "||" * 32 + "'"),
    ],
)
def test_a_refused_constraint_says_why(text: str, said: str) -> None:
    with pytest.raises(InvalidConstraint) as caught:
        Constraint.parse(text)
    assert str(caught.value) == said


@settings(deadline=None)
@given(HOSTILE, HOSTILE)
def test_any_text_is_answered_or_refused(constraint: str, version: str) -> None:
    assert answer(constraint, version) in {"true", "false", "CERR", "VERR"}
    assert answer(constraint, "1.2.3") != "VERR"
    assert answer("*", version) != "CERR"


@settings(deadline=None)
@given(st.lists(st.one_of(HOSTILE, st.sampled_from(ASCENDING), st.sampled_from(VECTORS["versions"]))))
def test_sorting_any_texts_keeps_them_all(texts: list[str]) -> None:
    ordered = newest_first(texts)
    assert sorted(ordered) == sorted(texts)
    assert newest_first(reversed(texts)) == ordered
    fitting = satisfying(">=0.0.0-0", texts)
    assert fitting == ordered[: len(fitting)]


@pytest.mark.parametrize("piece", LONG)
def test_long_texts_come_to_an_answer(piece: str) -> None:
    # Within and far beyond the limits: only texts within them get as far as the patterns.
    for length, end in product((250, 500, 100_000), ("", "!", "1", " - 1")):
        text = (piece * length)[: length - len(end)] + end
        assert answer(text, "1.2.3") in {"true", "false", "CERR"}
        assert answer("*", text) in {"true", "false", "VERR"}
        assert sorted(newest_first([text, "1.2.3"])) == sorted([text, "1.2.3"])


@pytest.mark.parametrize(
    ("text", "empty"),
    [
        (">=2.0.0 <1.0.0", True),
        (">1.0.0 <1.0.1", True),
        ("~1.2 ^2", True),
        ("1.2.3 !=1.2.3", True),
        ("<0.0.0", True),
        (">=2.0.0 <1.0.0 || 3.x", False),
        (">1.0.0 <1.0.2", False),
        (">1.0.0-0 <1.0.1-0", False),
        ("<1.0.0", False),
        ("*", False),
        ("!=1.0.0", False),
        ("^0.2.3, >0.2.3", False),
        (">1.2, <1.4", False),
        ("= 1.2.x, > 1.2.3-rc.1", False),
        ("1.2.3-rc.1", False),
        ("<=1.0.0-alpha", False),
    ],
)
def test_a_range_that_no_version_can_be_in(text: str, empty: bool) -> None:
    assert is_empty(text) is empty
