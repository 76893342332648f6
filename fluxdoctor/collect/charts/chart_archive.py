"""Reads a chart archive in memory, with limits on size: it writes nothing to disk and follows no link."""

from __future__ import annotations

import gzip
import io
import posixpath
import tarfile
import zlib
from collections.abc import Mapping
from typing import Any

from fluxdoctor.intake import documents
from fluxdoctor.intake.redact import Redactor
from fluxdoctor.model.charts import Chart
from fluxdoctor.model.resource import Fields

#: source-controller 1.9: --helm-chart-max-size, --helm-chart-file-max-size; helm/pkg/chart/loader: 100 MiB unpacked.
MAX_PACKED = 10 << 20
_MAX_FILE = 5 << 20
_MAX_TOTAL = 100 << 20
_MOST_MEMBERS = 20_000
_DEEPEST = 4
_CHART_FILES = ("Chart.yaml", "values.yaml", "values.schema.json")

Files = dict[str, bytes]


class ChartError(Exception):
    """The archive is not a chart, or is too large to unpack; the text says which."""


def read(packed: bytes) -> Chart:
    """Read a chart archive. Raises ChartError if it is not a chart or is too large."""
    return _redacted_chart(_unpack(packed, _Budget(), 0))


def unpacked(files: Mapping[str, bytes]) -> Chart:
    """Read the files of a chart folder, without the archives among them. Raises ChartError if it is not a chart."""
    return _redacted_chart(
        {p: c for p, c in files.items() if _is_chart_file(p) and not p.endswith((".tgz", ".tar.gz"))}
    )


def _redacted_chart(files: Mapping[str, bytes]) -> Chart:
    if "Chart.yaml" not in files:
        raise ChartError("Chart.yaml is missing")
    redactor = Redactor()
    return _build_chart({path: _redact_file(path, content, redactor) for path, content in files.items()})


def pack(chart: Chart) -> bytes:
    """Pack the files of a chart. The result is reproducible: the same files give the same bytes."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", 6, packed, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, content in sorted(chart.files.items()):
            member = tarfile.TarInfo(f"{chart.name}/{path}")
            member.size, member.mode = len(content), 0o600
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


class _Budget:
    """The bytes and members that may still be unpacked, shared by an archive and the archives inside it."""

    def __init__(self) -> None:
        self.bytes, self.members = _MAX_TOTAL, _MOST_MEMBERS

    def member(self) -> None:
        self.members -= 1
        if self.members < 0:
            raise ChartError(f"more than {_MOST_MEMBERS} files")


class _Bounded(io.RawIOBase):
    """The input of tarfile. Every byte counts, including headers, because tarfile reads a header into memory as a whole."""

    def __init__(self, packed: bytes, budget: _Budget) -> None:
        self._plain = gzip.GzipFile(fileobj=io.BytesIO(packed))
        self._budget = budget

    def read(self, size: int = -1) -> bytes:
        remaining = self._budget.bytes
        data = self._plain.read(remaining + 1 if size < 0 else min(size, remaining + 1))
        self._budget.bytes -= len(data)
        if self._budget.bytes < 0:
            raise ChartError(f"larger than {_MAX_TOTAL >> 20} MiB when unpacked")
        return data


def _unpack(packed: bytes, budget: _Budget, depth: int) -> Files:
    files: Files = {}
    nested: Files = {}
    try:
        with tarfile.open(fileobj=_Bounded(packed, budget), mode="r|") as archive:
            for member in archive:
                budget.member()
                path = _relative_path(member)
                if member.isreg() and member.size <= _MAX_FILE and _is_chart_file(path):
                    content = archive.extractfile(member)
                    (nested if path.endswith((".tgz", ".tar.gz")) else files)[path] = content.read() if content else b""
    except (OSError, EOFError, tarfile.TarError, zlib.error, ValueError, RecursionError) as error:
        raise ChartError(f"not a readable .tgz archive ({type(error).__name__})") from None
    for path, archived in nested.items() if depth < _DEEPEST else ():
        subchart_files = _unpack(archived, budget, depth + 1)
        name = Fields(_yaml(subchart_files.get("Chart.yaml", b""))).text("name")
        if name and "/" not in name:
            files |= {f"{posixpath.dirname(path)}/{name}/{inner}": text for inner, text in subchart_files.items()}
    return files


def _relative_path(member: tarfile.TarInfo) -> str:
    """Return the path of a member below the chart's folder, "" if it points outside."""
    name = member.name
    if name.startswith("/") or "\\" in name or ".." in name.split("/"):
        return ""
    return posixpath.normpath(name).partition("/")[2]


def _is_chart_file(path: str) -> bool:
    """Tell whether a file is needed: from the chart, and from the charts in its charts/."""
    parts = path.split("/")
    while len(parts) > 2 and parts[0] == "charts":  # noqa: PLR2004 - charts, name, the rest
        parts = parts[2:]
    if len(parts) == 1:
        return parts[0] in _CHART_FILES
    is_nested_archive = parts[0] == "charts" and parts[1].endswith((".tgz", ".tar.gz"))
    return is_nested_archive or (parts[0] == "templates" and path.endswith((".yaml", ".yml", ".tpl", ".txt", ".json")))


def _redact_file(path: str, content: bytes, redactor: Redactor) -> bytes:
    """Redact text that looks like a real credential. A default password in a chart is public and stays."""
    if path.endswith(".schema.json"):
        return content
    text = content.decode("utf-8", "replace")
    return redactor.text(text).encode()


def _build_chart(files: Mapping[str, bytes]) -> Chart:
    metadata = Fields(_yaml(files.get("Chart.yaml", b"")))
    subcharts: dict[str, Files] = {}
    for path, content in files.items():
        parts = path.split("/", 2)
        if parts[0] == "charts" and len(parts) == 3:  # noqa: PLR2004 - charts, name, the rest
            subcharts.setdefault(parts[1], {})[parts[2]] = content
    values = _yaml(files.get("values.yaml", b""))
    return Chart(
        metadata.text("name"),
        metadata.text("version"),
        metadata,
        values if isinstance(values, dict) else {},
        files.get("values.schema.json", b"").decode("utf-8", "replace"),
        {
            path.removeprefix("templates/"): content.decode("utf-8", "replace")
            for path, content in sorted(files.items())
            if path.startswith("templates/")
        },
        tuple(_build_chart(inner) for _, inner in sorted(subcharts.items()) if "Chart.yaml" in inner),
        dict(sorted(files.items())),
    )


def _yaml(content: bytes) -> Any:
    try:
        return documents.load(content)
    except documents.YamlError:
        return None
