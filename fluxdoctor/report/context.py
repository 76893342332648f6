"""What a report is of, for the formats that show more than findings: the graph, and the chains from one object."""

from __future__ import annotations

from dataclasses import dataclass

from fluxdoctor.model.chain import Chain, chains
from fluxdoctor.model.finding import Report
from fluxdoctor.model.resource import Ref
from fluxdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Context:
    """The facts that a report was made of, where it is of one cluster; ``target``: the one object that was asked about."""

    snapshot: Snapshot | None = None
    target: Ref | None = None

    def chains(self, report: Report) -> tuple[Chain, ...]:
        """Return the ways from the object that was asked about to its causes."""
        return chains(self.target, report, self.snapshot) if self.target and self.snapshot else ()


#: Nothing but the report.
NONE = Context()
