"""Generated incidents: a random healthy fleet, broken in 0 to 4 places, in the words of Flux 2.9's controllers.

``fleet`` draws what there is, ``breaks`` what is wrong with it, ``status`` derives what the controllers would write, and
``answer`` knows what a diagnosis must say. Nothing of it reads fluxdoctor's own causes or graph: the answer is worked out
from the fleet alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from fluxdoctor.model.snapshot import Snapshot
from tests.incidents.answer import Answer, answer
from tests.incidents.breaks import Break, breaks
from tests.incidents.fleet import Fleet, fleets
from tests.incidents.status import World, observe


@dataclass(frozen=True)
class Incident:
    """A fleet, what is broken in it, and from that: its snapshot and its answer."""

    fleet: Fleet
    broken: tuple[Break, ...]

    @cached_property
    def world(self) -> World:
        return observe(self.fleet, self.broken)

    @cached_property
    def snapshot(self) -> Snapshot:
        return self.world.snapshot()

    @cached_property
    def answer(self) -> Answer:
        return answer(self.world)

    def __repr__(self) -> str:
        """What hypothesis shows of a falsifying example."""
        said = "\n".join(
            f"  {ref}: {words.reason}: {words.message}" for ref, words in sorted(self.world.failing.items())
        )
        return f"broken: {', '.join(map(str, self.broken)) or 'nothing'}\n{said}\n{self.answer}"


#: The seed of every run: the same fleets each time, with one version of hypothesis; FLUXDOCTOR_SEED asks for others.
SEED = int(os.environ.get("FLUXDOCTOR_SEED", "7"))


@st.composite
def incidents(draw: st.DrawFn, most: int = 4) -> Incident:
    """Draw an incident with at most so many breaks."""
    fleet = draw(fleets())
    return Incident(fleet, draw(breaks(fleet, most)))


def generate(number: int, use: Callable[[Incident], None]) -> None:
    """Hand so many incidents to a function, the same ones each time."""

    @seed(SEED)
    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(incidents())
    def run(incident: Incident) -> None:
        use(incident)

    run()
