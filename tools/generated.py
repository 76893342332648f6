"""Scores generated fleets (tests/incidents) in the same way as the recorded incidents."""

from __future__ import annotations

import sys
from pathlib import Path

from accuracy import Scored

sys.path.insert(0, str(Path(__file__).parent.parent))

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.rule import Catalogue
from tests.incidents import Incident, generate


def run(count: int, catalogue: Catalogue) -> list[Scored]:
    """Generate ``count`` incidents, always the same ones, and score each."""
    scores: list[Scored] = []

    def score_incident(incident: Incident) -> None:
        answer, report = incident.answer, diagnose(incident.snapshot, catalogue)
        judgement = answer.judge(report)
        scores.append(
            Scored(
                f"fleet-{len(scores):05d} ({len(incident.broken)} broken)",
                is_healthy=not answer.causes,
                is_cause_first=judgement.first or not (answer.causes or judgement.wrong),
                right=tuple((rule, "") for rule in judgement.right),
                wrong=tuple((rule, "") for rule in judgement.wrong),
                missed=tuple((name, "") for name in judgement.missed),
                unaccounted=tuple(map(str, judgement.unaccounted)),
            )
        )

    if count:
        generate(count, score_incident)
    return scores
