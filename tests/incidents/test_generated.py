"""The fold finds exactly what is broken in generated fleets: a fixed seed; FLUXDOCTOR_FLEETS says how many (300)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, seed, settings

from fluxdoctor.app.diagnose import diagnose
from tests.helpers.worlds import rules
from tests.incidents import SEED, Incident, incidents

FLEETS = int(os.environ.get("FLUXDOCTOR_FLEETS", "300"))


@seed(SEED)
@settings(max_examples=FLEETS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(incidents())
def test_exactly_what_is_broken_is_found(incident: Incident) -> None:
    assert list(incident.answer.differences(diagnose(incident.snapshot, rules()))) == []
