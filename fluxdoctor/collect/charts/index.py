"""Reads the index of a Helm repository. Of a large index only the requested charts are parsed."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any

from fluxdoctor.collect.net.addresses import UnreachableError
from fluxdoctor.intake import documents
from fluxdoctor.model.chart_indexes import ChartVersion, sha256
from fluxdoctor.model.probes import Answer
from fluxdoctor.model.resource import Fields
from fluxdoctor.model.times import moment

Index = dict[str, tuple[ChartVersion, ...]]

_HEAD = 4096
_SMALL = 1 << 20  # bytes; an index of this size is parsed completely in 0.1 s
_PARSED = 50 << 20  # bytes; a larger index is never parsed completely: the limit of source-controller
_MOST_CHARTS = 200_000
_MOST_NODES = 400_000  # of the versions of one chart, or of an index that is parsed completely: about 100 MiB of memory
_JSON = 8 << 20  # bytes; an object of JSON takes up to 25 times its text. A longer text is read as YAML, node by node
#: A line with the name of a chart, in the two-space block style that Helm writes.
_KEY = re.compile(rb"\n  ([^\s#\"'&*!|>%@`{}\[\],?:-][^\n\r]*?):[ \t]*\r?(?=\n)")
#: A line at the top level, which ends the entries.
_TOP = re.compile(rb"\n([^\s#][^\n]*)")
_ENTRIES = re.compile(rb"(?:\A|\n)entries:[ \t]*\r?(?=\n)")
_VERSION = re.compile(rb"(?:\A|\n)apiVersion:[ \t]*[\"']?[\w./-]+")
_ODD = re.compile(rb"\n(?:  ?[^ \n\r#-]|\t)")


def read(data: Any, charts: Collection[str], *, parse_all: bool = False) -> Index:
    """Read an index (bytes or a mapped file): the versions of ``charts``, and only the names of all other charts.

    ``parse_all``: parse everything, as the controller does. A small index is always parsed completely.
    Raises UnreachableError(MALFORMED), with the line, or UnreachableError(TOO_LARGE).
    """
    head = bytes(data[:_HEAD]).lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head:
        raise UnreachableError(Answer.MALFORMED, "the index is empty")
    if head[:1] == b"<":
        raise UnreachableError(Answer.MALFORMED, "line 1: a web page, not an index")
    parse_all = (parse_all and len(data) <= _PARSED) or len(data) < _SMALL
    index = None if parse_all or head[:1] == b"{" else _scan(data, charts)
    if index is None and len(data) > _PARSED:
        raise UnreachableError(
            Answer.TOO_LARGE, f"the index is {len(data) >> 20} MiB, and its layout is not the one that Helm writes"
        )
    return _complete(bytes(data), charts) if index is None else index


def _complete(data: bytes, charts: Collection[str]) -> Index:
    """Parse everything; of an index with too many nodes, only the requested charts."""
    try:
        return _parse_all(data)
    except documents.TooLargeError:
        if (index := _scan(data, charts)) is not None:
            return index
        raise UnreachableError(
            Answer.TOO_LARGE,
            f"the index has more than {_MOST_NODES:,} nodes, and its layout is not the one that Helm writes",
        ) from None


def entries(body: Any) -> Index:
    """Return the charts of a parsed index."""
    body_fields = Fields(body)
    return {
        chart: tuple(_version(row) for row in body_fields.rows(("entries", chart)))
        for chart in body_fields.keys("entries")
    }


def _version(row: Fields) -> ChartVersion:
    return ChartVersion(
        version=row.text("version"),
        urls=row.strings("urls"),
        kube_version=row.text("kubeVersion"),
        dependencies=tuple(d.text("name") for d in row.rows("dependencies")),
        digest=sha256(row.text("digest")),
        created=moment(row.text("created")),
    )


def _scan(data: Any, charts: Collection[str]) -> Index | None:
    """Find the requested charts in the bytes; None if the index does not have the layout that Helm writes."""
    start = _ENTRIES.search(data)
    if not start or not _VERSION.search(data):
        return None
    next_top = _TOP.search(data, start.end())
    end = next_top.start() if next_top else len(data)
    lines = islice(_KEY.finditer(data, start.end(), end), _MOST_CHARTS)
    keys = [(match.start() + 1, match[1].decode("utf-8", "replace")) for match in lines]
    # Every line with the indentation of a name must be a name; otherwise the file has another layout.
    if not keys or len(keys) != sum(1 for _ in _ODD.finditer(data, start.end(), end)):
        return None
    names = [name for _, name in keys]
    if len(set(names)) != len(names):
        return None
    index: Index = dict.fromkeys(names, ())
    for position, (offset, name) in enumerate(keys):
        if name in charts:
            block = bytes(data[offset : keys[position + 1][0] if position + 1 < len(keys) else end])
            parsed = documents.parse(b"entries:\n" + block, most_nodes=_MOST_NODES)
            if isinstance(parsed.error, documents.TooLargeError):
                raise UnreachableError(
                    Answer.TOO_LARGE, f"the versions of chart {name} have more than {_MOST_NODES:,} nodes"
                )
            if parsed.error or len(parsed.documents) != 1:
                return None
            index[name] = entries(parsed.documents[0].body).get(name, ())
    return index


def _parse_all(data: bytes) -> Index:
    body = _json(data) or _yaml(data)
    if not isinstance(body, Mapping):
        raise UnreachableError(Answer.MALFORMED, "line 1: not the index of a Helm repository")
    view = Fields(body)
    if not view.text("apiVersion"):
        raise UnreachableError(Answer.MALFORMED, "the index has no apiVersion")  # helm/pkg/repo, ErrNoAPIVersion
    if "entries" not in body:
        raise UnreachableError(Answer.MALFORMED, "the index has no entries")
    return entries(body)


def _json(data: bytes) -> Any:
    if data.lstrip()[:1] != b"{" or len(data) > _JSON:
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _yaml(data: bytes) -> Any:
    try:
        return documents.load(data, "index.yaml", most_nodes=_MOST_NODES)
    except documents.TooLargeError:
        raise
    except documents.YamlError as error:
        raise UnreachableError(Answer.MALFORMED, f"line {error.line}: the index is not YAML: {error.problem}") from None
