"""Regular expressions of users: judged as Go judges them, in linear time, within limits."""

from __future__ import annotations

import time

import pytest

from fluxdoctor.model import go_regex


@pytest.mark.parametrize(
    ("pattern", "flaw"),
    [
        (r"^*v(?<n>\d+)\z", ""),
        (r"^v(?i)[[:digit:]]+\pL\Q(\E$", ""),
        (r"[]a*+]\Qa++(?=\E[^]]", ""),
        ("^(?!dev-).*$", "Go does not support (?!"),
        ("(?<=a)b", "Go does not support (?<="),
        (r"(a)\1", r"Go does not support \1"),
        ("a++", "Go does not support ++"),
        ("[[:alpha:]*+]++", "Go does not support ++"),
        ("(?P<a>x)(?P<a>y)", "duplicate capture group name: `a`"),
        (r"a\Cb", r"invalid escape sequence: `\C`"),
        (r"a\Zb", r"invalid escape sequence: `\Z`"),
        ("a**", "invalid nested repetition operator"),
        ("(?:*)", "missing argument to repetition operator: `*`"),
        ("a{1001}", "invalid repeat count"),
        ("(((a{30}){30}){30})", "invalid repeat count"),
        ("^main-(?P<ts>[0-9]+$", "missing closing )"),
        ("a)", "unexpected )"),
        ("[a-", "missing closing ]"),
        ("[z-a]", "invalid character class range"),
        ("a\\", "trailing backslash at end of expression"),
        ("\ud800", "invalid UTF-8"),
    ],
)
def test_an_invalid_pattern_has_the_reason_of_go(pattern: str, flaw: str) -> None:
    assert go_regex.flaw(pattern) == flaw


def test_a_pattern_beyond_a_limit_is_neither_valid_nor_invalid() -> None:
    long, large = "a" * (go_regex.MAX_PATTERN + 1), "(?:[a-z]{1000}){1,1}" * 9
    assert [go_regex.limit(p) for p in (long, large, "a", "(")] == [
        "its regular expression is longer than 4,096 characters",
        "its regular expression is too complex",
        "",
        "",
    ]
    assert [go_regex.flaw(p) for p in (long, large)] == ["", ""]


def test_a_text_beyond_the_limit_is_not_judged() -> None:
    with pytest.raises(go_regex.RegexLimitError, match="a text is longer than 1,024 characters"):
        go_regex.compiled("a").matches("a" * 1025)


@pytest.mark.parametrize(
    "pattern", ["(a|a)*b", "^(a+)+$", r"^([a-z]+\.?)+$", "(.*)*x", "(?:a?){40}a{40}", "(a|b|ab)*c"]
)
def test_no_pattern_backtracks(pattern: str) -> None:
    began = time.process_time()
    go_regex.compiled(pattern).matches("a" * 1000 + "!")
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("pattern", "values", "is_selected"),
    [
        ("", ("web",), True),
        ("web", ("web", "api"), True),
        ("we", ("web",), False),
        ("we.", ("web",), True),
        ("w|b", ("web",), False),
        ("w.*|b", ("web",), True),
        ("web$", ("web\n",), False),
        ("a)|(?:web", ("more than web",), True),
        ("(a|a)*b", ("a" * 60,), False),
    ],
)
def test_a_selector_is_anchored_as_kustomize_anchors_it(
    pattern: str, values: tuple[str, ...], is_selected: bool
) -> None:
    assert go_regex.selects(pattern, values, default=not is_selected) is is_selected


def test_a_selector_that_is_not_compiled_has_the_default() -> None:
    invalid, long = "(?=a)", ".a" * go_regex.MAX_PATTERN
    assert [go_regex.selects(p, ("a",), default=d) for p in (invalid, long) for d in (True, False)] == [True, False] * 2


def test_a_template_is_filled_as_go_fills_it() -> None:
    regex = go_regex.compiled(r"^v(?P<major>\d+)\.(\d+)")
    assert [regex.expand("v1.2", t) for t in ("$major-$2", "${major}x", "$12", "$0", "$none.")] == [
        "1-2", "1x", "", "v1.2", ".",
    ]  # fmt: skip
    assert regex.expand("x", "$1") is None
    assert go_regex.template_groups("$a ${b} $$c $1") == ("a", "1")
    assert (regex.groups, go_regex.compiled("(a)(b)").groups) == (("major",), ("1", "2"))
