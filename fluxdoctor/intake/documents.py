"""Parses YAML as Kubernetes and Flux do (Go's sigs.k8s.io/yaml), and records the position of every field.

Values are built here from the parser's events, not by a PyYAML loader. A PyYAML loader resolves ``y``, ``0o17``
and ``1e3`` differently from Go and drops the positions, and its C composer recurses until the process crashes.
"""

from __future__ import annotations

import binascii
import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

import yaml
from yaml import events

from fluxdoctor.intake.places import FieldPath, Places, Text, View, entries, pack

#: A value, the offset of its start, and the offset of its end (scalar) or the places of its entries (collection).
_Node: TypeAlias = tuple[object, int, int | Places]

_DEEPEST = 200  # functions that read a body recurse, and libyaml is quadratic in the depth of flow collections
_MOST_ALIASED = 200_000
#: A fleet of 20,000 objects has 1.6 million nodes.
MOST_NODES = 4_000_000
_MOST_TAGS = 1_000  # libyaml compares each %TAG directive with all earlier ones

_TAG = "tag:yaml.org,2002:"
_TYPES = {"null": (type(None),), "bool": (bool,), "int": (int,), "float": (int, float)}
_WORDS: Mapping[str, object] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_NUMERIC = frozenset("+-.0123456789")
_INTEGER = re.compile(
    r"[-+]?(?:(?P<h>0[xX][0-9a-fA-F]+)|(?P<b>0[bB][01]+)|(?P<o>0(?:[oO]?[0-7]+)?)|(?P<d>[1-9][0-9]{0,19}))"
)
_BASES = {"h": 16, "b": 2, "o": 8, "d": 10}
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED_SLASH = re.compile(r"(?<!\\)(?:\\\\)*\\/")
# PyYAML's pure Python parser quotes the text in its errors (libyaml does not). Only the names of tokens are kept.
_QUOTED = re.compile(r"""( ?'(?:<[a-z ]+>|[]},:?.-])')| ?(?:'[^']*'|"[^"]*"|\bbyte 0x[0-9a-f]+)""")


class YamlError(Exception):
    """The YAML is not valid; ``line`` and ``column`` are 1-based. The message never quotes the text, which may be secret."""

    def __init__(self, file: str, line: int, column: int, problem: str) -> None:
        super().__init__(file, line, column, problem)
        self.file, self.line, self.column, self.problem = file, line, column, problem

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.problem}"


class TooLargeError(YamlError):
    """The stream has more nodes than the caller has memory for."""


class AliasBombError(YamlError):
    """The document expands without bound through aliases: it can take all memory of parsers without a limit."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document: its body in JSON types (dict, list, str, int, float, bool, None), and the positions of its fields.

    ``marks``: the (line, column), 1-based, of the key of each mapping entry, of each sequence item and, under
    ``()``, of the root. ``spans``: the (start, end) offsets in the decoded text of each scalar value, including
    its tag and anchor. Values that come from an alias or ``<<`` have the position of the original.
    Comments have no span, nor do values whose key is repeated later. Both mappings are views: they keep the
    text and compute positions on access.
    """

    body: object = field(repr=False)
    marks: Mapping[FieldPath, tuple[int, int]] = field(repr=False)
    spans: Mapping[FieldPath, tuple[int, int]] = field(repr=False)
    line: int


@dataclass(frozen=True, slots=True)
class ParsedDocuments:
    """The documents before the first error, and the error (None: no error)."""

    documents: tuple[Document, ...]
    error: YamlError | None
    repeated: tuple[int, int] | None = None
    """The (line, column) of the first repeated key of a mapping, if any. Kubernetes accepts it; kustomize rejects it."""


def parse(text: str | bytes, file: str = "<text>", *, most_nodes: int = MOST_NODES) -> ParsedDocuments:
    """Parse every document of a stream, without the empty ones. Raises nothing: a problem is returned in ``error``.

    ``most_nodes``: scalars, sequences and mappings of all documents; a node takes about 200 bytes of memory.
    """
    source = _Source(text, file)
    builder = _Builder(source, most_nodes)
    failure = None
    try:
        builder.read()
    except YamlError as error:
        failure = error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        # An error without a mark (a wrong escape in a tag, a caller near the recursion limit) gets the document's position.
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "found a document that cannot be decoded"
        failure = source.error(mark.index if mark else builder.began, _QUOTED.sub(r"\1", problem).strip())
    return ParsedDocuments(tuple(builder.documents), failure, source.at(builder.repeated) if builder.repeated else None)


def load(text: str | bytes, file: str = "<text>", *, most_nodes: int = MOST_NODES) -> object:
    """Return the body of the first document, None if there is none. Raises YamlError if any document is not valid."""
    parsed = parse(text, file, most_nodes=most_nodes)
    if parsed.error:
        raise parsed.error
    return parsed.documents[0].body if parsed.documents else None


class _Source(Text):
    """A text, its lines, and the offset up to which it is readable."""

    def __init__(self, text: str | bytes, file: str) -> None:
        super().__init__(text)
        self.file = file
        self.readable = len(self.text)
        self.unreadable = ""
        if match := _UNREADABLE.search(self.text):
            # Replace it by a readable character, so that the documents before it can still be parsed.
            self.readable = match.start()
            self.text = self.text[: self.readable] + "\ufffd"
            is_surrogate = "\ud800" <= match[0] <= "\udfff"
            self.unreadable = "invalid UTF-8" if is_surrogate else "control characters are not allowed"

    def error(self, offset: int, problem: str) -> YamlError:
        if self.unreadable and offset >= self.readable:
            offset, problem = self.readable, self.unreadable
        return YamlError(self.file, *self.at(offset), problem)


def _event_reader(text: str) -> Callable[[], Any]:
    """Return a function that reads the next event, None after the last. Any: the type stubs allow None for every mark."""
    if yaml.__with_libyaml__:
        from yaml._yaml import CParser

        return CParser(text).get_event
    return yaml.SafeLoader(text).get_event


@dataclass(slots=True)
class _Anchor:
    """The target of an anchor: a decoded scalar, or a collection. A collection has no node until its end."""

    event: Any
    scalar: object = None
    node: _Node | None = None
    nodes: int = 1
    height: int = 0


class _Builder:
    """Builds the documents of a stream in one pass over its events."""

    def __init__(self, source: _Source, most_nodes: int) -> None:
        self._room = most_nodes
        self.documents: list[Document] = []
        self.began = 0
        self._source = source
        self._next = _event_reader(source.text)
        self._anchors: dict[str, _Anchor] = {}
        self._nodes = self._aliased = self._deepest = 0
        self.repeated = 0
        self._closing = ""  # the character that ends the innermost flow collection; empty in block style

    def read(self) -> None:
        if self._source.text.count("%TAG") > _MOST_TAGS:
            raise self._source.error(self._source.text.index("%TAG"), f"more than {_MOST_TAGS} %TAG directives")
        while (event := self._next()) is not None:
            if type(event) is events.DocumentStartEvent:
                self._document(event)
        if self._source.unreadable:
            raise self._source.error(self._source.readable, "")

    def _document(self, event: Any) -> None:
        self.began = event.start_mark.index
        if event.version not in {None, (1, 1)}:
            raise self._error(event, "found incompatible YAML document")
        self._anchors, self._nodes, self._aliased = {}, 0, 0
        body, start, inside = self._value(self._next(), 0)
        end = self._next().start_mark.index
        if body is not None and end <= self._source.readable:
            root, source = pack(start, start, inside), self._source
            line, _ = source.at(self.began)
            self.documents.append(Document(body, View(root, source.mark), View(root, source.span), line))

    def _error(self, event: Any, problem: str) -> YamlError:
        return self._source.error(event.start_mark.index, problem)

    def _value(self, event: Any, depth: int) -> _Node:
        self._nodes += 1
        self._room -= 1
        if self._room < 0:
            raise TooLargeError(*self._error(event, "too many nodes to read").args)
        kind = type(event)
        if kind is events.ScalarEvent:
            return self._scalar_node(event, self._scalar(event))
        if kind is events.AliasEvent:
            return self._alias(event, depth)
        self._check_depth(event, depth + 1)
        build = self._mapping if kind is events.MappingStartEvent else self._sequence
        outer, self._closing = self._closing, ""
        if event.flow_style:
            self._closing = "}" if self._source.text[event.start_mark.index] == "{" else "]"
        node = self._build_anchored(build, event, depth + 1) if event.anchor else build(event, depth + 1)
        self._closing = outer
        return node

    def _check_scalar(self, event: Any) -> None:
        """Reject the two forms that libyaml accepts and goyaml does not: an escaped slash, and "?" in flow style."""
        if event.style == '"':
            start, end = event.start_mark.index, event.end_mark.index
            if "/" in event.value and (match := _ESCAPED_SLASH.search(self._source.text, start, end)):
                raise self._source.error(match.end() - 1, "found unknown escape character")
        elif self._closing and "?" in event.value and not event.style:
            offset = self._source.text.index("?", event.start_mark.index)
            raise self._source.error(offset, f"did not find expected ',' or '{self._closing}'")

    def _scalar_node(self, event: Any, value: object) -> _Node:
        if type(value) is not str:
            value = self._json_number(event, value)
        return value, event.start_mark.index, event.end_mark.index

    def _check_depth(self, event: Any, depth: int) -> None:
        self._deepest = max(self._deepest, depth)
        if depth > _DEEPEST:
            raise self._error(event, f"nested deeper than {_DEEPEST} levels")

    def _mapping(self, first: Any, depth: int) -> _Node:
        body: dict[str, object] = {}
        places: Places = {}
        merged: frozenset[str] = frozenset()
        while type(event := self._next()) is not events.MappingEndEvent:
            key = self._key(event)
            if key == "<<" and _is_merge(event):
                self._merge(body, places, depth)
                merged = frozenset(body)
            else:
                if key in body and key not in merged:
                    self.repeated = self.repeated or event.start_mark.index
                body[key], start, inside = self._value(self._next(), depth)
                places[key] = pack(event.start_mark.index, start, inside)
        return body, first.start_mark.index, places

    def _sequence(self, first: Any, depth: int) -> _Node:
        body: list[object] = []
        places: Places = {}
        while type(event := self._next()) is not events.SequenceEndEvent:
            value, start, inside = self._value(event, depth)
            places[len(body)] = pack(event.start_mark.index, start, inside)
            body.append(value)
        return body, first.start_mark.index, places

    def _merge(self, body: dict[str, object], places: Places, depth: int) -> None:
        """Merge in document order, as goyaml does: ``<<`` overrides the keys above it."""
        event = self._next()
        value, _, inside = self._value(event, depth)
        merged = [(value, inside)]
        if type(event) is events.SequenceStartEvent and isinstance(value, list) and isinstance(inside, dict):
            merged = [(item, entries(inside[at])) for at, item in enumerate(value)]
        for item, item_places in reversed(merged):  # the first mapping has priority
            if not isinstance(item, dict) or not isinstance(item_places, dict):
                raise self._error(event, "map merge requires map or sequence of maps as the value")
            body.update(item)
            places.update(item_places)

    def _build_anchored(self, build: Callable[[Any, int], _Node], event: Any, depth: int) -> _Node:
        anchor = self._anchors[event.anchor] = _Anchor(event)
        nodes, deepest, self._deepest = self._nodes, self._deepest, depth
        anchor.node = node = build(event, depth)
        anchor.nodes, anchor.height = self._nodes - nodes + 1, self._deepest - depth + 1
        self._deepest = max(deepest, self._deepest)
        return node

    def _anchor(self, event: Any) -> _Anchor:
        if event.anchor not in self._anchors:
            raise self._error(event, "unknown anchor referenced")
        return self._anchors[event.anchor]

    def _alias(self, event: Any, depth: int) -> _Node:
        anchor = self._anchor(event)
        self._nodes += anchor.nodes
        self._aliased += anchor.nodes
        if self._aliased > _MOST_ALIASED:
            raise AliasBombError(*self._error(event, f"more than {_MOST_ALIASED} nodes through aliases").args)
        if type(anchor.event) is events.ScalarEvent:
            return self._scalar_node(anchor.event, anchor.scalar)
        if anchor.node is None:
            raise self._error(event, "anchor value contains itself")
        self._check_depth(event, depth + anchor.height)
        return anchor.node

    def _key(self, event: Any) -> str:
        anchor = self._anchor(event) if type(event) is events.AliasEvent else None
        if type(anchor.event if anchor else event) is not events.ScalarEvent:
            raise self._error(event, "invalid map key")
        key = anchor.scalar if anchor else self._scalar(event)
        if isinstance(key, str):
            return key
        if isinstance(key, float):
            return _format_float_key(key)
        if isinstance(key, int) and key < 2**63:
            return str(key).lower()  # a bool is an int
        raise self._error(event, "unsupported map key: " + ("null" if key is None else "uint64"))

    def _scalar(self, event: Any) -> object:
        """Decode a scalar as goyaml does. A value is then converted through JSON; a key is not."""
        self._check_scalar(event)
        try:
            value = _decode(event)
        except ValueError as error:
            raise self._error(event, str(error)) from None
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(event, value)
        return value

    def _json_number(self, event: Any, value: object) -> object:
        """Return a number as Kubernetes reads it from JSON: 1.0 is an integer there, 2**63 is not."""
        if type(value) is int:
            return value if -(2**63) <= value < 2**63 else float(value)
        if type(value) is not float:
            return value
        if not math.isfinite(value):
            raise self._error(event, "unsupported value: not a finite number")
        integer = int(Decimal(repr(value))) if value.is_integer() and abs(value) <= 2**63 else 2**63
        return integer if -(2**63) <= integer < 2**63 else value


def _is_merge(event: Any) -> bool:
    return type(event) is events.ScalarEvent and (event.implicit[0] or event.tag == _TAG + "merge")


def _decode(event: Any) -> object:
    if event.tag is not None:
        return _decode_tagged(event.tag, event.value)
    return _decode_plain(event.value) if event.implicit[0] else event.value


def _decode_plain(text: str) -> object:
    if text in _WORDS:
        return _WORDS[text]
    return _decode_number(text) if text[0] in _NUMERIC else text


def _decode_number(text: str) -> int | float | str:
    digits = text.replace("_", "")
    if match := _INTEGER.fullmatch(digits):
        integer = int(digits, _BASES[match.lastgroup or "d"])
        if -(2**63) <= integer < (2**63 if digits[0] in "+-" else 2**64):  # uint64 has no sign
            return integer
    number = float(digits) if _FLOAT.fullmatch(digits) else math.inf
    return text if math.isinf(number) else number


def _decode_tagged(tag: str, text: str) -> object:
    """Decode a scalar by its tag; an unknown tag gives a string. Raises ValueError, without the text, if it does not match."""
    kind = tag.removeprefix(_TAG)
    if tag == _TAG + "binary":
        return _decode_binary(text)
    if kind not in _TYPES or kind == tag:
        return text
    value = _decode_plain(text)
    if type(value) not in _TYPES[kind]:
        raise ValueError("cannot decode the value as the type of its tag")
    return float(value) if kind == "float" and isinstance(value, int) else value


def _decode_binary(text: str) -> str:
    digits = re.sub("[\r\n]", "", text)
    try:
        data = binascii.a2b_base64(digits, strict_mode=True)
    except ValueError:
        data = None
    if data is None or len(digits) % 4:
        raise ValueError("!!binary value contains invalid base64 data")
    return re.sub("[\ud800-\udfff]", "\ufffd", data.decode("utf-8", "surrogateescape"))


def _format_float_key(key: float) -> str:
    """Format a float as Go formats a key: the fewest digits that give the same 32-bit float."""
    try:
        packed = struct.pack("<f", key)
    except OverflowError:
        packed = struct.pack("<f", math.copysign(math.inf, key))
    (single,) = struct.unpack("<f", packed)
    if not math.isfinite(single):
        return ".nan" if math.isnan(single) else ".inf" if single > 0 else "-.inf"
    decimals = next(n for n in range(9) if struct.pack("<f", float(f"{single:.{n}e}")) == packed)
    scientific = f"{single:.{decimals}e}"
    exponent = int(scientific.partition("e")[2])
    return f"{single:.{max(decimals - exponent, 0)}f}" if exponent in range(-4, 6) else scientific
