"""Damages data and text as a stranger would, or an accident: by a seed, so that the same number gives the same damage again."""

from __future__ import annotations

import contextlib
import copy
import json
import random
from collections.abc import Callable
from typing import Any

import yaml

Path = tuple[Any, ...]
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

#: Values in the place of any other.
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**63, -(2**64), 10**400, 1.5, float("inf"), float("nan"), "", " ", "\0", "null", "~", "true", "1e999",
    "..", "../../../etc/passwd", "/", ".", "./", "*", "**/*", "%s%n{0}{x.__class__}", "${VAR:-${VAR}}", "${", "}}", "{{ .x }}", "$$",
    "\ud800", "\u202etxt.exe", "\u2028", "\ufeff", "e\u0301" * 50, "😀" * 20, "\x1b]52;c;AAAA\x07", "\n::error::x", "\r\n\r\n", "a\nb\tc",
    "x" * 70_000, "a/" * 3_000, "-" * 5_000, "(a+)+$", "(?P<x", "[", "^(?!a)", "\\", "'", '"', "a: b: c", "!!binary x", "&a [*a]",
    "2026-99-99T99:99:99Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-01-01T00:00:00+99:99", "1h99999999999999s", "-5m", "1e9h",
    "oci://", "oci://[::1", "https://", "https://[", "https://a:b@h:99999/", "http://127.0.0.1:1/", "ssh://git@:x/y", "file:///etc/passwd",
    "git@h:a", "s3://", "sha256:zz", "main@sha1:", "@", ":", ">=1.x <", "*.*.*", "1.2.3-" + "1." * 500, "v" * 300, "Secret", "List",
    "Kustomization", "a" * 253, [], {}, [[]], [None], [{}], {"": ""}, {"a": None}, {"kind": "List", "items": 7}, {"name": None},
)  # fmt: skip

#: Text in the place of any other: what only the text of YAML, JSON and TOML can say.
TOKENS: tuple[bytes, ...] = (
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"{{", b"}}", b"${", b"&a [*a]", b"*nobody", b"&a &b x", b"<<: *x", b"<<: [1]", b"? [a, b]\n: c",
    b"!!binary x", b"!!timestamp x", b"!!int x", b"!!float x", b"!!bool x", b"!!set {a}", b"!!omap [a]", b"!!pairs [a: b]", b"!!null x", b"!!merge x",
    b"!!python/object/apply:os.system [x]", b"!unknown x", b"!<tag:x> y", b"%YAML 9.9\n---\n", b"%TAG ! x\n", b"9" * 5_000, b"-" + b"9" * 5_000,
    b"0x" + b"f" * 6_000, b"0b2", b"0o9", b"1_000", b"190:20:30", b"1:99", b"1e999", b"-.inf", b".nan", b"=", b"2001-99-99", b"2001-02-30", b"0000-01-01",
    b"2001-12-14t21:59:43.10-05:00", b"2026-01-01T00:00:00+99:99", b"null", b"~", b"[]", b"{}", b'""', b'"\\ud800"', b'"\\x"', b'"\\U00110000"',
    b"\xe2\x80\xae", b"\xc2\x85", b"\xe2\x80\xa8", b"\x1b]52;c;AAAA\x07", b"- - - -", b"[" * 400, b"{a: " * 400, b"- " * 400, b"[" * 3_000,
    b"a" * 70_000, b"../../../etc/passwd", b"kind: List\nitems: 7\n", b"\n---\n", b"\n...\n", b"\n--- |\n", b"\t", b"\r", b"#", b"# fluxdoctor: ignore",
    b"|\n", b">-9\n", b"|99\n", b"'", b'"', b"`", b"@", b"%", b": ", b"?", b"&", b"*", b"!", b"\\", b"{1: 2}: 3", b"[1]: 2", b"{a, b}: 1", b"null: 1", b"1.5: 1",
    b"version https://git-lfs.github.com/spec/v1\n", b"a: &a {b: *a}", b"true: x", b"2026-01-01: x", b"<<<<<<< HEAD\n", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
)  # fmt: skip


def nested(depth: int, wrap: Callable[[Any], Any]) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = wrap(value)
    return value


def place(body: Any, chance: random.Random) -> Path:
    """Return the path of a value of a tree, at most 100 levels deep; the whole is one of them."""
    path: list[Any] = []
    while isinstance(body, dict | list) and body and len(path) < 100 and chance.random() > 0.12:
        path.append(chance.choice(list(body)) if isinstance(body, dict) else chance.randrange(len(body)))
        body = body[path[-1]]
    return tuple(path)


def copied(body: Any) -> Any:
    """Return a copy; what is nested too deeply for one is a word instead."""
    try:
        return json.loads(json.dumps(body))
    except (RecursionError, ValueError):  # a list in itself
        return "deep"


def at(body: Any, path: Path) -> Any:
    for key in path:
        body = body[key]
    return body


def damaged(body: Any, chance: random.Random) -> tuple[Any, str]:
    """Return a tree with one place damaged, and what was done, for a person. The tree itself is changed too."""
    path = place(body, chance)
    how = chance.choice(sorted(_DAMAGE))
    if not path:
        value = copy.deepcopy(chance.choice(ODD))
        return value, f"the whole is {value!r:.80}"
    _DAMAGE[how](body, path, chance)
    return body, f"{how} at {'.'.join(map(str, path)):.120}"


def _set(body: Any, path: Path, value: Any) -> None:
    at(body, path[:-1])[path[-1]] = value


def _odd(body: Any, path: Path, chance: random.Random) -> None:
    _set(body, path, copy.deepcopy(chance.choice(ODD)))


def _remove(body: Any, path: Path, _: random.Random) -> None:
    del at(body, path[:-1])[path[-1]]


def _wrap(body: Any, path: Path, chance: random.Random) -> None:
    value = at(body, path)
    _set(
        body, path, chance.choice(([value], {"a": value}, [[value]], [value] * 3, str(value), {str(value)[:50]: value}))
    )


def _rename(body: Any, path: Path, chance: random.Random) -> None:
    value = at(body, path)
    parent = at(body, path[:-1])
    if isinstance(parent, dict):
        del parent[path[-1]]
        key = path[-1] if isinstance(path[-1], str) else "a"
        parent[chance.choice((key.upper(), key + " ", "", key[:-1], "\0", key * 40, "constructor"))] = value


def _borrow(body: Any, path: Path, chance: random.Random) -> None:
    """Put what is elsewhere here: the name of another object, a list for a text, a reference to itself."""
    _set(body, path, copied(at(body, place(body, chance))))


def _deep(body: Any, path: Path, chance: random.Random) -> None:
    depth = chance.choice((30, 150, 400))
    _set(body, path, nested(depth, chance.choice((lambda v: [v], lambda v: {"a": v}, lambda v: [{"a": v}]))))


def _many(body: Any, path: Path, chance: random.Random) -> None:
    value = at(body, path)
    if isinstance(value, list) and value:
        value.extend(copied(value[:1]) * chance.choice((2, 50, 300)))
    elif isinstance(value, dict):
        value.update({f"k{n}": "v" for n in range(500)})
    else:
        _set(body, path, [value] * 500)


_DAMAGE: dict[str, Callable[[Any, Path, random.Random], None]] = {
    "an odd value": _odd, "another odd value": _odd, "a hole": _remove, "a wrapped value": _wrap, "a renamed key": _rename,
    "a borrowed value": _borrow, "a deep value": _deep, "a long list": _many,
}  # fmt: skip


def damaged_text(content: bytes, chance: random.Random) -> tuple[bytes, str]:
    """Return a text with bits, holes, repeats, cuts and odd words, and what was done."""
    made = bytearray(content)
    notes = []
    for _ in range(chance.choice((1, 1, 2, 4))):
        place, how = chance.randrange(len(made) + 1), chance.randrange(7)
        if how == 0 and place < len(made):
            made[place] ^= 1 << chance.randrange(8)
            notes.append(f"a bit at {place}")
        elif how == 1:
            del made[place : place + chance.choice((1, 5, 50, 500))]
            notes.append(f"a hole at {place}")
        elif how == 2:
            start = chance.randrange(len(made) + 1)
            made[place:place] = made[start : start + chance.randrange(200)]
            notes.append(f"a repeat at {place}")
        elif how == 3:
            del made[place:]
            notes.append(f"a cut at {place}")
        else:
            token = chance.choice(TOKENS)
            # After a colon a token is a value, at the begin of a line a key.
            stops = [n for n, c in enumerate(made) if c == (0x3A if how == 4 else 0x0A)] or [place]
            place = chance.choice(stops) + 1
            end = place if how == 5 else next((n for n in range(place, len(made)) if made[n] in b"\n,}]"), len(made))
            made[place:end] = b" " + token if how == 4 else token
            notes.append(f"{token!r:.40} at {place}")
    return bytes(made), "; ".join(notes)


def written(body: Any, chance: random.Random) -> bytes:
    """Write a tree as JSON or YAML, and at times each key twice."""
    try:
        text = json.dumps(body, ensure_ascii=chance.random() < 0.5)
    except RecursionError:  # deep values within deep values
        text = '{"a": ' * 3_000 + "1" + "}" * 3_000
    if chance.random() < 0.3:
        with contextlib.suppress(RecursionError, ValueError, yaml.YAMLError):
            text = yaml.dump(body, Dumper=_DUMPER, allow_unicode=True)
    if chance.random() < 0.1:
        text = text.replace('"name":', '"name": "twice", "name":')
    return text.encode("utf-8", "surrogatepass")
