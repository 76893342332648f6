"""The Snapshot: all facts of one moment, frozen."""

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
    """The moment at which the Snapshot was taken: the only clock of a rule."""

    taken: datetime


@dataclass(frozen=True)
class Versions:
    """The versions of ``kubernetes``, ``flux`` and the controllers, as they report them (``v1.9.4``)."""

    found: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> tuple[int, int] | None:
        """Return (major, minor), or None if unknown."""
        parts = self.found.get(name, "").split(" ")[0].removeprefix("v").split(".")
        return (int(parts[0]), int(parts[1])) if len(parts) > 1 and all(p.isdecimal() for p in parts[:2]) else None


@dataclass(frozen=True)
class Target:
    """The versions of a planned upgrade, as (major, minor); None for one that is not to be judged."""

    flux: tuple[int, int] | None = None
    kubernetes: tuple[int, int] | None = None

    @classmethod
    def parse(cls, flux: str = "", kubernetes: str = "") -> Target | None:
        """Parse ``2.9`` or ``v2.9.1``; None if both texts are empty. Raises ValueError, which quotes an invalid version."""
        if not flux and not kubernetes:
            return None
        return cls(_minor(flux), _minor(kubernetes))


def _minor(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    parts = text.removeprefix("v").split(".")
    if len(parts) not in (2, 3) or not all(p.isascii() and p.isdecimal() for p in parts):
        raise ValueError(f"{text!r} is not a version such as 2.9")
    return int(parts[0]), int(parts[1])


@dataclass(frozen=True)
class Snapshot:
    """The facts of one moment, one field for each kind of fact. A kind that was not collected is None, and gaps say why.

    ``mode``: ``live``, ``replay`` or ``check``. ``name``: of the cluster or of the snapshot.
    """

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
        """The references between the objects."""
        return Graph(self.cluster)

    @cached_property
    def failures(self) -> Failures:
        """The objects that fail, wait or are new, with their controllers' messages."""
        return Failures(self.cluster, self.taken, declared=self.mode == "check")

    @cached_property
    def manifests(self) -> Manifests | None:
        """The declarations in git; None without git trees."""
        return Manifests(self.cluster, self.git) if self.git else None

    @cached_property
    def facts(self) -> dict[type, object]:
        """The collected facts by type, for the parameters of checks."""
        facts = (
            self.cluster, self.git, self.charts, self.archives, self.oci, self.probes, self.schemas, self.overlaps, self.removals,
            self.versions,
            self.graph, self.failures, self.manifests, Clock(self.taken), self.target,
        )  # fmt: skip
        return {type(fact): fact for fact in facts if fact is not None}

    def why_missing(self, fact: type) -> str:
        """Return why there are no facts of a type; "" if that needs no explanation."""
        was_queried = any(gap.is_below("oci/") for gap in self.gaps)
        return "no OCI registry responded" if fact is OciTags and was_queried else FACTS[fact]


#: Every type of fact that a check can have as a parameter, with the reason if it is missing; "" if that needs no explanation.
FACTS: dict[type, str] = {
    Cluster: "the cluster was not read",
    GitTrees: "no git tree was fetched",
    ChartIndexes: "no Helm repository index was fetched",
    Charts: "no chart was pulled",
    OciTags: "no OCI registry was queried",
    Probes: "no source was probed",
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
