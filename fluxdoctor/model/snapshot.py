"""Everything known at one moment, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from fluxdoctor.model.chart_indexes import ChartIndexes
from fluxdoctor.model.charts import Charts
from fluxdoctor.model.cluster import Cluster
from fluxdoctor.model.failures import Failures
from fluxdoctor.model.gaps import Gap
from fluxdoctor.model.graph import Graph
from fluxdoctor.model.manifests import Manifests
from fluxdoctor.model.oci import OciTags
from fluxdoctor.model.overlaps import Overlaps
from fluxdoctor.model.probes import Probes
from fluxdoctor.model.removals import Removals
from fluxdoctor.model.schemas import Schemas
from fluxdoctor.model.tree import GitTrees


@dataclass(frozen=True)
class Clock:
    """The moment the Snapshot was taken: the only time a rule knows."""

    taken: datetime


@dataclass(frozen=True)
class Versions:
    """The versions that were found: ``kubernetes``, ``flux`` and the controllers', as written (``v1.9.4``)."""

    found: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> tuple[int, int] | None:
        """Return (major, minor), or None when unknown."""
        parts = self.found.get(name, "").split(" ")[0].removeprefix("v").split(".")
        return (int(parts[0]), int(parts[1])) if len(parts) > 1 and all(p.isdecimal() for p in parts[:2]) else None


@dataclass(frozen=True)
class Target:
    """The versions that an upgrade is planned to, as (major, minor); None is one that nobody asked about."""

    flux: tuple[int, int] | None = None
    kubernetes: tuple[int, int] | None = None

    @classmethod
    def parse(cls, flux: str = "", kubernetes: str = "") -> Target | None:
        """Read ``2.9`` or ``v2.9.1``; None when both are empty. Raises ValueError, which quotes what cannot be read."""
        if not flux and not kubernetes:
            return None
        return cls(_minor(flux), _minor(kubernetes))


def _minor(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    parts = text.removeprefix("v").split(".")
    if len(parts) not in (2, 3) or not all(p.isascii() and p.isdecimal() for p in parts):
        raise ValueError(f"{text!r} is no version such as 2.9")
    return int(parts[0]), int(parts[1])


@dataclass(frozen=True)
class Snapshot:
    """The facts of one moment, one field per kind of fact; None is a kind that was not collected, and gaps say why."""

    taken: datetime
    cluster: Cluster
    git: GitTrees | None = None
    charts: ChartIndexes | None = None
    archives: Charts | None = None
    oci: OciTags | None = None
    probes: Probes | None = None
    schemas: Schemas | None = None
    overlaps: Overlaps | None = None
    removals: Removals | None = None
    versions: Versions = field(default_factory=Versions)
    gaps: tuple[Gap, ...] = ()
    mode: str = "replay"
    name: str = ""
    target: Target | None = None

    @cached_property
    def graph(self) -> Graph:
        """Who needs whom."""
        return Graph(self.cluster)

    @cached_property
    def failures(self) -> Failures:
        """Who is not well, in the controllers' words."""
        return Failures(self.cluster, self.taken, declared=self.mode == "check")

    @cached_property
    def manifests(self) -> Manifests | None:
        """What git declares; None without git trees."""
        return Manifests(self.cluster, self.git) if self.git else None

    @cached_property
    def facts(self) -> dict[type, object]:
        """Return the facts at hand by type: what a check's signature can ask for."""
        held = (
            self.cluster, self.git, self.charts, self.archives, self.oci, self.probes, self.schemas, self.overlaps, self.removals,
            self.versions,
            self.graph, self.failures, self.manifests, Clock(self.taken), self.target,
        )  # fmt: skip
        return {type(fact): fact for fact in held if fact is not None}

    def lacking(self, fact: type) -> str:
        """Say why there are no facts of a type; "" where that goes without saying."""
        asked = any(gap.is_below("oci/") for gap in self.gaps)
        return "no OCI registry answered" if fact is OciTags and asked else FACTS[fact]


#: Every type of fact that a check may ask for, with the words for "this was not collected"; "" where that goes without saying.
FACTS: dict[type, str] = {
    Cluster: "the cluster was not read",
    GitTrees: "no git tree was fetched",
    ChartIndexes: "no Helm repository index was fetched",
    Charts: "no chart was pulled",
    OciTags: "no OCI registry was asked",
    Probes: "no probe was made",
    Schemas: "no schema was applied",
    Overlaps: "",
    Removals: "",
    Versions: "no version is known",
    Graph: "the cluster was not read",
    Failures: "the cluster was not read",
    Manifests: "no git tree was fetched",
    Clock: "the time is not known",
    Target: "",
}
