from __future__ import annotations

import json
import pickle
import re
import string
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fluxdoctor.intake.documents import Document, ParsedDocuments, YamlError, load, parse
from tests.helpers.worlds import ROOT

VECTORS = json.loads((ROOT / "fixtures/vectors/yaml.json").read_text())["cases"]

#: What is read otherwise than the vectors say, and why.
KNOWN_DIFFERENCES = {
    # The oracle decoded JSON into float64; apimachinery, which Flux reads objects with, keeps an int64 whole.
    "a: 9007199254740993": '{"a": 9007199254740993}',
}


def canonical(body: object) -> str:
    return json.dumps(body, sort_keys=True)


def only(text: str | bytes) -> Document:
    parsed = parse(text)
    assert parsed.error is None
    (document,) = parsed.documents
    return document


def failure(text: str | bytes) -> YamlError:
    error = parse(text).error
    assert error is not None
    return error


@pytest.fixture(params=["libyaml", "python"])
def _either_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "python":
        monkeypatch.setattr(yaml, "__with_libyaml__", False)


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: repr(case["yaml"]))
def test_vector(case: dict[str, Any]) -> None:
    parsed = parse(case["yaml"])
    if case["error"]:
        assert parsed.error is not None
        assert not parsed.documents
        return
    body = parsed.documents[0].body if parsed.documents else None
    expected = KNOWN_DIFFERENCES.get(case["yaml"], case["json"])
    assert parsed.error is None
    assert canonical(body) == canonical(json.loads(expected))


def test_known_differences_are_vectors() -> None:
    assert {case["yaml"] for case in VECTORS} >= set(KNOWN_DIFFERENCES)


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("a: 1\n<<: {a: 2}", {"a": 2}),  # goyaml merges where it is written
        ("<<: {a: 2}\na: 1", {"a": 1}),
        ("<<: [{a: 1}, {a: 2, b: 3}]", {"a": 1, "b": 3}),
        ("<<: []", {}),
        ('"<<": {a: 1}', {"<<": {"a": 1}}),
        ("!!merge <<: {a: 1}", {"a": 1}),
        ("&x <<: {a: 1}\nb: *x", {"a": 1, "b": "<<"}),
        ("a: &x 1\nb: &x 2\nc: *x", {"a": 1, "b": 2, "c": 2}),
        ("a: &x [&x 1, *x]\nb: *x", {"a": [1, 1], "b": 1}),
        ("a: &x 1.5\n? *x\n: 2", {"a": 1.5, "1.5": 2}),
        ("x: &x a?b\ne: [*x, {*x : 1}]", {"x": "a?b", "e": ["a?b", {"a?b": 1}]}),
        ("1e6: a", {"1e+06": "a"}),
        ("123456.0: a", {"123456": "a"}),
        ("16777217.0: a", {"1.6777216e+07": "a"}),  # a key is written as a 32-bit float
        ("0.1: a", {"0.1": "a"}),
        ("1e-5: a", {"1e-05": "a"}),
        ("1e39: a\n-1e39: b\n.nan: c", {".inf": "a", "-.inf": "b", ".nan": "c"}),
        ("9223372036854775807: a", {"9223372036854775807": "a"}),
        ("- 9223372036854775807\n- -9223372036854775808", [2**63 - 1, -(2**63)]),
        ("- 9223372036854775808\n- 18446744073709551616", [2.0**63, 2.0**64]),
        ("- 4611686018427387904.0\n- 1e18\n- 1e19\n- -0.0", [4611686018427388000, 10**18, 1e19, 0]),
        ("- 0X1f\n- -0b11\n- +0B1\n- -017\n- 0\n- 00", [31, -3, 1, -15, 0, 0]),
        (
            "- 0x\n- 0b2\n- '1'\n- --\n- +\n- 1e\n- 1.2.3\n- 0x1p-2",
            ["0x", "0b2", "1", "--", "+", "1e", "1.2.3", "0x1p-2"],
        ),
        ("a: 0" + "7" * 30, {"a": float("7" * 30)}),
        ("a: 0x" + "f" * 20, {"a": "0x" + "f" * 20}),
        ("a: " + "9" * 5000, {"a": "9" * 5000}),  # longer than int() takes, larger than a float
        ("- ! 1\n- !foo 1\n- !!foo 1\n- !<int> 1", ["1", "1", "1", "1"]),
        ("- !!float 3\n- !!null ''\n- !!bool yes\n- !!int 0x10", [3, None, True, 16]),
        ("!!float 1000000: a", {"1e+06": "a"}),
        ("a: !!binary |\n  aGVs\n  bG8=", {"a": "hello"}),
        ("a: !!binary /+8=", {"a": "\ufffd\ufffd"}),
        ("a: b?c\nd: ['e?f', \"g?h\"]", {"a": "b?c", "d": ["e?f", "g?h"]}),
        (r'a: "\\/"', {"a": r"\/"}),
        ("a: b\n---\n", {"a": "b"}),
    ],
)
def test_reads_as_go_does(text: str, body: object) -> None:
    read = only(text).body
    assert canonical(read) == canonical(body)


@pytest.mark.parametrize(
    ("text", "where", "problem"),
    [
        ("a: .inf", (1, 4), "unsupported value: not a finite number"),
        ("a: .nan", (1, 4), "unsupported value: not a finite number"),
        ("b: 1\n~: x", (2, 1), "unsupported map key: null"),
        ("18446744073709551615: x", (1, 1), "unsupported map key: uint64"),
        ("a: {{ .Values.x }}", (1, 5), "invalid map key"),
        ("a: &x [1]\n? *x\n: 2", (2, 3), "invalid map key"),
        ("a: *x", (1, 4), "unknown anchor referenced"),
        ("a: &x 1\n---\nb: *x", (3, 4), "unknown anchor referenced"),  # anchors end with their document
        ("&a [*a]", (1, 5), "anchor value contains itself"),
        ("a: &x {b: *x}", (1, 11), "anchor value contains itself"),
        ("a: &x {<<: *x}", (1, 12), "anchor value contains itself"),
        ("<<: 1", (1, 5), "map merge requires map or sequence of maps as the value"),
        ("<<: [{}, []]", (1, 5), "map merge requires map or sequence of maps as the value"),
        ("x: &a [{}]\n<<: *a", (2, 5), "map merge requires map or sequence of maps as the value"),
        ("a: !!int x", (1, 4), "cannot decode the value as the type of its tag"),
        ("a: !!int yes", (1, 4), "cannot decode the value as the type of its tag"),
        ("a: !!binary aGk", (1, 4), "!!binary value contains invalid base64 data"),
        ("a: !!binary 1aGVsbG8=", (1, 4), "!!binary value contains invalid base64 data"),
        ("a: !!binary é", (1, 4), "!!binary value contains invalid base64 data"),
        ("%YAML 1.2\n---\na: 1", (1, 1), "found incompatible YAML document"),
        ("{u: http://x/?a=b}", (1, 14), "did not find expected ',' or '}'"),  # libyaml reads these two
        ("[a: b?c]", (1, 6), "did not find expected ',' or ']'"),
        ("[{}, [a?]]", (1, 8), "did not find expected ',' or ']'"),
        (r'a: "x\/y"', (1, 7), "found unknown escape character"),
        ('a: "\\ud800"', (1, 7), "found invalid Unicode character escape code"),
        ("a: 1\nb: !<%ED%A0%80> c", (1, 1), "found a document that cannot be decoded"),
        ("a: [1, 2", (1, 9), "did not find expected ',' or ']'"),
        ("a:\r\n  b: c\r\n d: e", (3, 2), "did not find expected key"),
        ("a: b\n\x00", (2, 1), "control characters are not allowed"),
        ("a: b\nc: '\x07'", (2, 5), "control characters are not allowed"),
        (b"a: b\nc: \xff", (2, 4), "invalid UTF-8"),
        ("a: b\nc: \ud800", (2, 4), "invalid UTF-8"),
        (b"\xff\xfea\x00:\x00 ", (1, 3), "invalid UTF-8"),
    ],
)
def test_refuses(text: str | bytes, where: tuple[int, int], problem: str) -> None:
    error = failure(text)
    assert ((error.line, error.column), error.problem) == (where, problem)


def test_error_is_a_line_people_can_click() -> None:
    error = parse("a: b: c", "apps/x.yaml").error
    assert str(error) == "apps/x.yaml:1:5: mapping values are not allowed in this context"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301


def test_documents_before_the_error_are_kept() -> None:
    parsed = parse("a: 1\n---\n---\n# nothing\n---\nb: 2\n---\nc: [\n---\nd: 4")
    assert [document.body for document in parsed.documents] == [{"a": 1}, {"b": 2}]
    assert [document.line for document in parsed.documents] == [1, 5]
    assert parsed.error is not None


@pytest.mark.usefixtures("_either_parser")
@pytest.mark.parametrize("tail", [b"c: \xff", b"c: \x00", b"c: 1\n# \xff", b"\x00"])
def test_documents_before_an_unreadable_character_are_kept(tail: bytes) -> None:
    parsed = parse(b"a: 1\n---\nb: 2\n---\n" + tail + b"\n---\nd: 4")
    assert [document.body for document in parsed.documents] == [{"a": 1}, {"b": 2}]
    assert parsed.error is not None


def test_an_error_before_the_unreadable_character_comes_first() -> None:
    assert failure("a: b: c\n\x00").problem == "mapping values are not allowed in this context"


@pytest.mark.parametrize("text", ["", "\ufeff", "# c", "---\n---\n", "---\n...\n", "~", b""])
def test_empty(text: str | bytes) -> None:
    assert parse(text) == ParsedDocuments((), None)
    assert load(text) is None


def test_load() -> None:
    assert load("a: 1\n---\nb: 2") == {"a": 1}
    with pytest.raises(YamlError, match=r"^snapshot\.yaml:3:4: "):
        load("a: 1\n---\n- [", "snapshot.yaml")


def test_bytes_and_byte_order_marks() -> None:
    text = "a: é\nb: [x]"
    for read in (text.encode(), text.encode("utf-8-sig"), text.encode("utf-16"), text, "\ufeff" + text):
        document = only(read)
        assert document.body == {"a": "é", "b": ["x"]}
        assert (document.marks[("a",)], document.marks[("b", 0)]) == ((1, 1), (2, 5))
    start, end = only("\ufeff" + text).spans[("a",)]
    assert ("\ufeff" + text)[start:end] == "é"


MARKED = """\
# a comment
--- # a document
one: &x !!str b
seq:
- q: 1
-
  - z
- *x
block: |
  s

'q k': "v"
n:
base: &base
  f: {g: h}
<<: *base
again: *base
"""


@pytest.mark.usefixtures("_either_parser")
def test_marks_and_spans() -> None:
    document = only(MARKED)
    assert document.line == 2
    marks = {path: (*mark, MARKED[slice(*document.spans.get(path, (0, 0)))]) for path, mark in document.marks.items()}
    assert marks == {
        (): (3, 1, ""),
        ("one",): (3, 1, "&x !!str b"),
        ("seq",): (4, 1, ""),
        ("seq", 0): (5, 3, ""),
        ("seq", 0, "q"): (5, 3, "1"),
        ("seq", 1): (7, 3, ""),
        ("seq", 1, 0): (7, 5, "z"),
        ("seq", 2): (8, 3, "&x !!str b"),
        ("block",): (9, 1, "|\n  s"),
        ("q k",): (12, 1, '"v"'),
        ("false",): (13, 1, ""),
        ("base",): (14, 1, ""),
        ("base", "f"): (15, 3, ""),
        ("base", "f", "g"): (15, 7, "h"),
        ("f",): (15, 3, ""),
        ("f", "g"): (15, 7, "h"),
        ("again",): (17, 1, ""),
        ("again", "f"): (15, 3, ""),
        ("again", "f", "g"): (15, 7, "h"),
    }
    assert len(document.marks) == len(marks)
    assert set(document.spans) == {
        path
        for path in marks
        if path not in {(), ("seq",), ("seq", 0), ("seq", 1), ("base",), ("again",)} and path[-1] != "f"
    }


def test_the_last_of_two_keys_is_the_one_marked() -> None:
    document = only("a: {b: 1}\na: 2")
    assert dict(document.marks) == {(): (1, 1), ("a",): (2, 1)}


@pytest.mark.parametrize("path", [("x",), ("a", 2), ("a", -1), ("a", "0"), ("a", 0, "b"), (0,)])
def test_what_is_not_there_has_no_mark(path: tuple[str | int, ...]) -> None:
    document = only("a: [1, 2]")
    assert path not in document.marks
    assert path not in document.spans
    assert ("a",) not in document.spans


def test_lines_are_those_of_editors() -> None:
    text = "a: 'x\u2028y\x85z'\r\nb: 1\rc: 2\nd: 3"
    assert [line for line, _ in only(text).marks.values()] == [1, 1, 2, 3, 4]


def bomb(levels: int, width: int) -> str:
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(["a0: &a0 [x]", *lines])


DEEP = "nested deeper than 200 levels"


@pytest.mark.usefixtures("_either_parser")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[" * 100_000, DEEP),
        ("[\n" * 100_000, DEEP),
        ("{a: " * 100_000, DEEP),
        ("- " * 100_000, DEEP),
        ("? " * 100_000, "invalid map key"),
        ("".join(" " * n + "a:\n" for n in range(300)), DEEP),
        (bomb(40, 9), "more than 200000 nodes through aliases"),
        (bomb(300, 1), DEEP),  # aliases nest too
        (
            "a: &a {" + ",".join(f"k{n}: 1" for n in range(999)) + "}\nb:\n" + "- <<: *a\n" * 300,
            "more than 200000 nodes through aliases",
        ),
        ("".join(f"%TAG !a{n}! x\n" for n in range(100_000)) + "--- a", "more than 1000 %TAG directives"),
    ],
    ids=lambda value: value[:12],
)
def test_hostile(text: str, problem: str) -> None:
    assert failure(text).problem == problem


@pytest.mark.parametrize("opening", ["<<: {", "&a {<<: ", "[&a {<<: "])
def test_nesting_that_recurses_most_does_not_raise(opening: str) -> None:
    assert parse(opening * 100_000).error is not None


def test_as_deep_as_allowed() -> None:
    document = only("[" * 200 + "]" * 200)
    assert len(document.marks) == 200
    assert document.marks[(0,) * 199] == (1, 200)


def test_many_aliases_and_huge_scalars_are_fine() -> None:
    digits = "1" * 1_000_000
    assert only(f"a: &a {digits}\nb:\n" + "- *a\n- {*a : x}\n" * 50_000).body is not None  # decoded once
    assert only("a: &a x\nb:\n" + "- *a\n" * 100_000).body == {"a": "x", "b": ["x"] * 100_000}
    assert only("a: " + "x" * 5_000_000).body == {"a": "x" * 5_000_000}


SECRET = "hunter2"


@pytest.mark.usefixtures("_either_parser")
@pytest.mark.parametrize(
    "text",
    [
        "a: *{}", "a: !{}!x y", "%TAG !{0}! x\n%TAG !{0}! x\n---\na", "%{}", "a: 'x\n{}", "a: |{}", "a: >1{}", 'a: "\\{}"',
        'a: "\\x{}"', "{}: {}: {}", "- a\n{}: b", "a: !!int {}", "a: !!binary {}", "a: `{}", "@{}", "[{}", "{{{}", "&{}$ x",
        "*{}$", "!<{}", "!<%{}> x", "%YAML {}\n---\n", "%YAML 1.1{}\n---\n", "a\n{}: b\n c: d", "{}: \x00", "{{a: {}?}}",
        '"{}\\/"', "&{0} [*{0}]", "a: [{}\nb: c", "? {{{}: 1}}\n: 2", "<<: {}", "a: '{}'{}",
    ],
)  # fmt: skip
def test_an_error_never_quotes_the_text(text: str) -> None:
    text = text.replace("{}", SECRET).replace("{0}", SECRET).replace("{{", "{").replace("}}", "}")
    error = parse(text).error
    assert error is None or "hunter" not in f"{error!s}{error!r}"


@pytest.mark.parametrize(
    "case",
    [case for case in VECTORS if case["yaml"] not in {*KNOWN_DIFFERENCES, "a:\tb"}],
    ids=lambda case: repr(case["yaml"]),
)
def test_vector_without_libyaml(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    test_vector(case)


def test_a_document_does_not_show_its_body() -> None:
    assert SECRET not in repr(parse(f"a: {SECRET}"))


PIECES = st.sampled_from([
    *string.printable, "\x00", "\x85", "\u2028", "\ufeff", "\ud800", "é", "\r\n", "\n  ", "\n- ", ": ", "- ", "? ", "<<: *x\n",
    "&x ", "*x", "!!int ", "!!float ", "!!binary ", "!a ", "---\n", "...\n", "%YAML 1.1\n---\n", "%TAG ! a:\n---\n", "%ED", ".inf",
    "0x", "1e9", "null", "yes", "{a: b}", "[a]", "|\n", ">-\n", "|2\n", "\\x41", "\\ud800", "\\Uffffffff", "# c\n", ", ", "'", '"',
])  # fmt: skip
YAMLISH = st.lists(PIECES, max_size=40).map("".join)


@given(st.one_of(st.text(), YAMLISH), st.booleans())
def test_no_text_raises(text: str, libyaml: bool) -> None:
    check_views(text, libyaml)


@given(st.one_of(st.binary(), YAMLISH.map(lambda text: text.encode("utf-8", "surrogatepass"))), st.booleans())
def test_no_bytes_raise(data: bytes, libyaml: bool) -> None:
    check_views(data, libyaml)


def check_views(text: str | bytes, libyaml: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml, "__with_libyaml__", libyaml)
        parsed = parse(text)
    if isinstance(text, bytes):
        text = text.decode("utf-16" if text[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8", "replace")
    lines = re.split(r"\r\n?|\n", text)
    places = [mark for document in parsed.documents for mark in document.marks.values()]
    if parsed.error:
        places.append((parsed.error.line, parsed.error.column))
    for line, column in places:
        assert 1 <= line <= len(lines)
        assert 1 <= column <= len(lines[line - 1]) + 2  # the "\n" of "\r\n" too
    for document in parsed.documents:
        assert set(document.spans) <= set(document.marks)
        assert all(0 <= start <= end <= len(text) for start, end in document.spans.values())


def plain(text: str) -> bool:
    """Tell whether PyYAML and Go agree that the text is a string: Go reads y, 0o17, 08 or 1e3 as something else."""
    return text.lower() not in {"y", "n"} and not re.match(r"[-+.0-9]", text)


# PyYAML writes the line breaks of YAML 1.1 that are not those of a text file as if they were kept; none reads them back.
STRINGS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x85\u2028\u2029"), max_size=30)
STRINGS = STRINGS.filter(plain)
NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: not 2**53 < abs(value) < 2**64),
)
BODIES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, STRINGS),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(STRINGS, inner, max_size=5)),
    max_leaves=20,
)


@given(BODIES, st.sampled_from([None, "'", '"', "|"]), st.sampled_from([None, True, False]), st.booleans())
def test_what_is_dumped_is_read_back(body: object, style: str | None, flow: bool | None, unicode: bool) -> None:
    text = yaml.safe_dump(body, default_style=style, default_flow_style=flow, allow_unicode=unicode)
    parsed = parse(text)
    assert parsed.error is None
    assert [document.body for document in parsed.documents] == ([] if body is None else [body])


@given(BODIES)
def test_every_value_has_a_mark_and_every_scalar_a_span(body: object) -> None:
    for document in parse(yaml.safe_dump(body)).documents:
        paths = dict(walk((), document.body))
        assert set(document.marks) == set(paths)
        assert set(document.spans) == {path for path, value in paths.items() if not isinstance(value, dict | list)}


def walk(path: tuple[str | int, ...], value: object) -> list[tuple[tuple[str | int, ...], object]]:
    below: list[tuple[str | int, object]] = []
    if isinstance(value, dict | list):
        below = list(value.items() if isinstance(value, dict) else enumerate(value))
    return [(path, value), *(found for part, inner in below for found in walk((*path, part), inner))]
