"""The chart versions that Helm repositories offer, by their indexes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fluxdoctor.model.resource import Ref

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ChartVersion:
    """One entry of a Helm repository index."""

    version: str
    urls: tuple[str, ...] = ()
    kube_version: str = ""
    dependencies: tuple[str, ...] = ()
    digest: str = ""
    """The sha256 of the archive according to the index, 64 lower-case hex digits; "" if it states no valid one."""
    created: datetime | None = None
    """When the entry was created: Helm writes the time of ``helm repo index`` (helm/pkg/repo, MustAdd)."""


def sha256(text: str) -> str:
    """Return the hex digits of a sha256 digest with or without ``sha256:`` before it; "" for any other text."""
    digits = text.strip().lower().removeprefix("sha256:")
    return digits if _SHA256.fullmatch(digits) else ""


class ChartIndexes:
    """The indexes of HelmRepositories."""

    def __init__(self, indexes: Mapping[Ref, Mapping[str, Sequence[ChartVersion]]] | None = None) -> None:
        """``indexes``: chart name -> versions, by HelmRepository. A chart without versions exists, but they were not read."""
        self.indexes = {
            ref: {name: tuple(versions) for name, versions in charts.items()} for ref, charts in (indexes or {}).items()
        }

    def charts(self, repository: Ref) -> tuple[str, ...] | None:
        """Return the chart names that a repository offers, sorted; None if its index was not read."""
        index = self.indexes.get(repository)
        return None if index is None else tuple(sorted(index))

    def offered(self, repository: Ref, chart: str) -> tuple[str, ...] | None:
        """Return the versions of a chart in the order of the index; () if it has no such chart, None if that is unknown."""
        index = self.indexes.get(repository)
        if index is None or index.get(chart) == ():
            return None
        return tuple(v.version for v in index.get(chart, ()))

    def listed(self, repository: Ref, chart: str, version: str) -> tuple[ChartVersion, ...]:
        """Return the index entries of a version, with or without a ``v``; several if the index lists it more than once."""
        return entries_of(self.indexes.get(repository, {}).get(chart, ()), version)


def entries_of(versions: Iterable[ChartVersion], version: str) -> tuple[ChartVersion, ...]:
    """Return the entries of one version, with or without a ``v``."""
    return tuple(v for v in versions if v.version.removeprefix("v") == version.removeprefix("v"))


def stated(entries: Iterable[ChartVersion]) -> frozenset[str]:
    """Return the digests of the entries of one version; none if any entry has no digest."""
    digests = frozenset(entry.digest for entry in entries)
    return frozenset() if "" in digests else digests
