"""Helm charts that were pulled, and what their schemas say of the values that HelmReleases give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fluxdoctor.model.resource import Fields, Ref

#: A chart in a repository: the HelmRepository, the chart's name and its version; or an OCIRepository that is a chart, "" and
#: the revision of its artifact (``tag@sha256:digest``).
Archive = tuple[Ref, str, str]


@dataclass(frozen=True)
class Chart:
    """What a chart's archive says. ``files``: what was kept of it, by path below the chart, subcharts included."""

    name: str
    version: str
    metadata: Fields = field(default_factory=Fields, repr=False)
    """Chart.yaml."""
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    schema: str = field(default="", repr=False)
    """The text of values.schema.json, "" where the chart has none."""
    templates: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Path below templates/ -> text."""
    subcharts: tuple[Chart, ...] = field(default=(), repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that a schema refuses: where in the merged values, and why. ``chart``: whose schema it is."""

    chart: str
    path: tuple[str | int, ...]
    problem: str

    def __str__(self) -> str:
        return f"at '{''.join(f'/{part}' for part in self.path)}': {self.problem}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the schemas of a chart say of a release's values: flaws, none, or why that is not known."""

    flaws: tuple[Flaw, ...] = ()
    why: str = ""


class Charts:
    """The charts that were pulled, and the verdicts of their schemas."""

    def __init__(
        self, archives: Mapping[Archive, Chart] | None = None, verdicts: Mapping[Ref, Verdict] | None = None
    ) -> None:
        """``verdicts`` by HelmRelease."""
        self.archives = dict(archives or {})
        self.verdicts = dict(verdicts or {})

    def chart(self, repository: Ref, name: str, version: str) -> Chart | None:
        """Return a chart; None when it was not pulled."""
        return self.archives.get((repository, name, version))

    def verdict(self, release: Ref) -> Verdict | None:
        """Return what the schemas say of a release's values; None where none was asked."""
        return self.verdicts.get(release)
