"""Scores generated fleets (tests/incidents) as the recorded incidents are scored."""

from __future__ import annotations

import sys
from pathlib import Path

from accuracy import Scored

sys.path.insert(0, str(Path(__file__).parent.parent))

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.rule import Catalogue
from tests.incidents import Incident, generate


def run(number: int, catalogue: Catalogue) -> list[Scored]:
    """Generate so many incidents, always the same, and score each; none where ``number`` is 0."""
    found: list[Scored] = []

    def one(incident: Incident) -> None:
        answer, report = incident.answer, diagnose(incident.snapshot, catalogue)
        judged = answer.judge(report)
        found.append(
            Scored(
                f"fleet-{len(found):05d} ({len(incident.broken)} broken)",
                healthy=not answer.causes,
                first=judged.first or not (answer.causes or judged.wrong),
                right=tuple((rule, "") for rule in judged.right),
                wrong=tuple((rule, "") for rule in judged.wrong),
                missed=tuple((name, "") for name in judged.missed),
                unaccounted=tuple(map(str, judged.unaccounted)),
            )
        )

    if number:
        generate(number, one)
    return found
