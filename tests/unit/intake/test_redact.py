"""What is masked, and what stays readable although it looks alike: every result is the whole text."""

from __future__ import annotations

import base64
import random
import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxdoctor.intake.redact import MASK, Redactor, mask_spans

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl-_"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# --- known values


@pytest.mark.parametrize(
    ("values", "text", "wanted"),
    [
        pytest.param([], "hunter2", "hunter2", id="none known"),
        pytest.param(["hunter2"], "is hunter2 hunter2?", "is [redacted] [redacted]?", id="each time"),
        pytest.param(["hunter2"], "xhunter2hunter2x", "x[redacted][redacted]x", id="within words"),
        pytest.param(["hunter2hunter2"], "hunter2hunter", "hunter2hunter", id="only as a whole"),
        pytest.param(["hunter2", "hunter2hunter3"], "a hunter2hunter3 b", "a [redacted] b", id="the longest"),
        pytest.param(["secret-alpha", "alpha-bet"], "my secret-alpha-bet!", "my [redacted]!", id="overlapping"),
        pytest.param(["aaaaaaaa"], "b" + "a" * 19 + "b", "b[redacted]b", id="overlapping itself"),
        pytest.param(["x"], "xyz", "[redacted]yz", id="short, if given"),
        pytest.param(["", " \n", "redacted", "act"], "a \n[redacted] act", "a \n[redacted] act", id="nothing to mask"),
        pytest.param(["line one\nline two"], "a\nline one\nline two\nb", "a\n[redacted]\nb", id="over lines"),
        pytest.param(["line one\nline two"], r'got "line one\nline two"', 'got "[redacted]"', id="in a JSON string"),
        pytest.param(["hunter2!"], f"data: {b64('hunter2!')}", "data: [redacted]", id="in base64"),
        pytest.param(["hunter2!"], f"data: {b64('hunter2!').rstrip('=')}.", "data: [redacted].", id="without padding"),
        pytest.param(["p@ss/wörd"], "?key=p%40ss%2Fw%C3%B6rd&a=b", "?key=[redacted]&a=b", id="in a URL"),
        pytest.param(["(a+b)*[c]"], "regex (a+b)*[c] here", "regex [redacted] here", id="not as a pattern"),
        pytest.param(["\ud800secret"], "a \ud800secret", "a [redacted]", id="half a character"),
        pytest.param(["hunter2@host"], "https://me:hunter2@host/x", "https://me:[redacted]/x", id="before patterns"),
        pytest.param(["me:hunter2"], "https://me:hunter2@host", "https://[redacted]@host", id="and then patterns"),
    ],
)
def test_known_values(values: list[str], text: str, wanted: str) -> None:
    assert Redactor(values).text(text) == wanted


@given(st.lists(st.text("xy=\n", max_size=12), max_size=8), st.data())
def test_nothing_known_is_left(values: list[str], data: st.DataObject) -> None:
    text = "".join(data.draw(st.lists(st.sampled_from([*values, *map(b64, values), "x", " c "]), max_size=9)))
    rest = Redactor(values).text(text).split(MASK)
    assert not [value for value in values if value.strip() for part in rest if value in part]


def test_many_values_in_a_long_text() -> None:
    values = [secrets.token_urlsafe(24) for _ in range(20_000)]
    words = [random.choice(["podinfo", "flux-system", "values"]) for _ in range(50_000)]
    wanted = list(words)
    for at in range(0, len(words), 100):
        words[at], wanted[at] = values[at // 100], MASK
    assert Redactor(values).text(" ".join(words)) == " ".join(wanted)


# --- what looks like a secret


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("https://me:pass@host/path", "https://[redacted]@host/path"),
        ("https://token@host:8443", "https://[redacted]@host:8443"),
        ("https://me@corp:p@ss@host/a@b", "https://[redacted]@host/a@b"),
        ("https://me:pa/ss?w#rd@host/x", "https://[redacted]@host/x"),
        ("https://:pass@[::1]:80/", "https://[redacted]@[::1]:80/"),
        ('Get "http://a:b@c/d": dial x@y', 'Get "http://[redacted]@c/d": dial x@y'),
        ("ssh://me:pass@host/x", "ssh://[redacted]@host/x"),
        ("postgres+ssl://me:pass@host", "postgres+ssl://[redacted]@host"),
        ("http://a:b@c http://d@e", "http://[redacted]@c http://[redacted]@e"),
        ("> Authorization: opaque\r\n> Host: x", "> Authorization: [redacted]\r\n> Host: x"),
        ("Authorization: Basic Zmx1eDp4 end", "Authorization: Basic [redacted] end"),
        ("authorization: bearer x end", "authorization: bearer [redacted] end"),
        ("map[Authorization:[Bearer x] Host:[y]]", "map[Authorization:[Bearer [redacted]] Host:[y]]"),
        ('{"Authorization": "Bearer x"}', '{"Authorization": "Bearer [redacted]"}'),
        ("sent Bearer abc123 to host", "sent Bearer [redacted] to host"),
        ("sent bearer abcdefghijklmnopqrst=", "sent bearer [redacted]"),
        ("Basic Zmx1eDpodW50ZXIy", "Basic [redacted]"),
        ("key AKIAIOSFODNN7EXAMPLE, ASIAIOSFODNN7EXAMPLE", "key [redacted], [redacted]"),
        ("ghp_0123abcd gho_0123abcd ghs_0123abcd", "[redacted] [redacted] [redacted]"),
        ("github_pat_11ABC_def: bad", "[redacted]: bad"),
        ("glpat-ab-cd_ef", "[redacted]"),
        ("xoxb-123-abc xoxp-123-abc", "[redacted] [redacted]"),
        ("is AGE-SECRET-KEY-1QQQQ\n", "is [redacted]\n"),
        (f"token={JWT}, then", "token=[redacted], then"),
        ("a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb", "a\n[redacted]\nb"),
        (r"a -----BEGIN PRIVATE KEY-----\nMI-E\n-----END PRIVATE KEY-----\n b", r"a [redacted]\n b"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nMIIE\n-----END PGP PRIVATE KEY BLOCK-----", "[redacted]"),
        ("cut: -----BEGIN OPENSSH PRIVATE KEY-----\nMIIE", "cut: [redacted]"),
    ],
)
def test_secrets_by_their_look(text: str, wanted: str) -> None:
    assert Redactor().text(text) == wanted
    assert Redactor().text(wanted) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh://git@github.com:22/org/repo@main",
        "git+ssh://git@github.com/org/repo",
        "git@github.com:org/repo.git",
        "oci://registry:5000/app:1.0@sha256:0123456789abcdef",
        "oci://ghcr.io/org/app@sha256:0123456789abcdef",
        "https://[::1]:8443/a@b",
        "https://host/path?mail=me@host",
        'dial "https://host:443","me@host"',
        "pull access denied, may require authorization: server message: insufficient_scope: authorization failed",
        'Www-Authenticate: Bearer realm="https://ghcr.io/token",service="ghcr.io"',
        'Bearer authorization_uri="https://login.example.com/0123"',
        "the Bearer token is missing, basic authentication is required",
        "XAKIAIOSFODNN7EXAMPLE AKIAIOSFODNN7EXAMPLES",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----",
        "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
        "image ghcr.io/stefanprodan/podinfo:6.5.0 has no ghp_ and no xoxb-",
        "main@sha1:0123456789abcdef0123456789abcdef01234567",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redactor().text(text) == text


PIECES = [
    "://",
    "me",
    ":",
    "@",
    "/",
    " ",
    "Authorization: ",
    "Bearer ",
    "Basic ",
    "[",
    "]",
    '"',
    "abc123",
    "ghp_",
    MASK,
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12).map("".join))
def test_what_was_masked_stays_as_it_is(text: str) -> None:
    once = Redactor().text(text)
    assert Redactor().text(once) == once


@pytest.mark.parametrize(
    "text",
    [
        piece * (300_000 // len(piece))
        for piece in ("a", "://", "://a:b", "-----BEGIN A ", "Bearer ", "Bearer/", "Authorization: ", "eyJ-", "eyJaaaaaaaaaa.")
    ],
    ids=lambda text: text[:14],
)  # fmt: skip
def test_a_long_text_is_read_in_time(text: str) -> None:
    Redactor(["a" * 50, "eyJ-eyJ-eyJ-x"]).text(text)  # in more than linear time this would not end


# --- objects


def test_body() -> None:
    body: dict[str, Any] = {
        "kind": "hunter2hunter2",
        "hunter2hunter2": 1,
        "same": {"list": ["a", None, 1.5, True]},
        "deep": [{"url": "https://me:pass@host"}, "x"],
    }
    redacted = Redactor(["hunter2hunter2"]).body(body)
    assert redacted == {
        "kind": "[redacted]",
        "hunter2hunter2": 1,
        "same": {"list": ["a", None, 1.5, True]},
        "deep": [{"url": "https://[redacted]@host"}, "x"],
    }
    assert list(redacted) == list(body)
    assert redacted["same"] is body["same"]
    assert body["kind"] == "hunter2hunter2"


@pytest.mark.parametrize("body", [None, 1, "text", [], {}, {"a": [{"b": "c"}, 1]}, ["a", ["b"]]])
def test_an_unchanged_body_is_the_same_object(body: Any) -> None:
    assert Redactor(["hunter2hunter2"]).body(body) is body


# --- spans


@pytest.mark.parametrize(
    ("text", "spans", "wanted"),
    [
        pytest.param("key: value", [], "key: value", id="none"),
        pytest.param("key: value # why", [(5, 10)], "key: [redacted] # why", id="one"),
        pytest.param("a: b\nc: d\n", [(8, 9), (3, 4)], "a: [redacted]\nc: [redacted]\n", id="in any order"),
        pytest.param("a: |\n  b\n  c\nd: e", [(3, 12)], "a: [redacted]\n\n\nd: e", id="over lines"),
        pytest.param("a\r\nb\rc\u2028d\x85e", [(0, 10)], "[redacted]\r\n\r\u2028\x85", id="any line break of YAML"),
        pytest.param("abcdef", [(1, 3), (2, 5)], "a[redacted]f", id="overlapping"),
        pytest.param("abcdef", [(1, 5), (2, 3)], "a[redacted]f", id="one in another"),
        pytest.param("abcdef", [(1, 3), (3, 5)], "a[redacted][redacted]f", id="side by side"),
        pytest.param("abcdef", [(2, 2), (4, 3), (9, 12)], "abcdef", id="empty"),
        pytest.param("abcdef", [(-3, 2), (4, 99)], "[redacted]cd[redacted]", id="beyond the text"),
    ],
)
def test_mask_spans(text: str, spans: list[tuple[int, int]], wanted: str) -> None:
    assert mask_spans(text, spans) == wanted


@given(st.text("ab\n\r", max_size=30), st.lists(st.tuples(st.integers(-2, 32), st.integers(-2, 32)), max_size=5))
def test_mask_spans_keeps_lines_and_what_is_outside(text: str, spans: list[tuple[int, int]]) -> None:
    masked = mask_spans(text, spans)
    inside = {at for start, end in spans for at in range(max(start, 0), end)}
    assert [c for c in masked.replace(MASK, "") if c in "\r\n"] == [c for c in text if c in "\r\n"]
    outside = [c for at, c in enumerate(text) if c in "ab" and at not in inside]
    assert [c for c in masked.replace(MASK, "") if c in "ab"] == outside
