"""The input of a report, for formats that also show the graph or the chains from one object."""

from __future__ import annotations

from dataclasses import dataclass

from fluxdoctor.model.chain import Chain, chains
from fluxdoctor.model.finding import Report
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Context:
    """``snapshot``: the facts behind a report of one cluster. ``target``: the object of a diagnosis of one object."""

    snapshot: Snapshot | None = None
    target: Ref | None = None

    def chains(self, report: Report) -> tuple[Chain, ...]:
        """Return the chains from the target to its root causes; () without a target."""
        return chains(self.target, report, self.snapshot) if self.target and self.snapshot else ()

    @property
    def is_ready(self) -> bool:
        """Whether the target does not fail; true without a target."""
        return not (self.target and self.snapshot and self.snapshot.failures.of(self.target))


#: No snapshot and no target.
NONE = Context()
