"""Every recorded incident against its golden report, in words and in JSON."""

from __future__ import annotations

import json as stdlib_json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.store import save, snapshot_folder
from fluxdoctor.report import json, text
from tests.helpers.worlds import INCIDENTS, NAMES, report_of, rules, snapshot_of


def test_all_incidents_are_there() -> None:
    assert sorted(p.name for p in INCIDENTS.iterdir() if p.is_dir()) == NAMES
    assert "healthy-baseline" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_text(name: str, golden: Callable[[Path, str], None]) -> None:
    golden(INCIDENTS / name / "report.txt", text.render(report_of(name), width=110, verbose=True))


@pytest.mark.parametrize("name", NAMES)
def test_json(name: str, golden: Callable[[Path, str], None]) -> None:
    rendered = json.render(report_of(name))
    jsonschema.Draft202012Validator(json.schema(), format_checker=jsonschema.FormatChecker()).validate(
        stdlib_json.loads(rendered)
    )
    body = stdlib_json.loads(rendered)
    del body["checked"]["rules"]  # a rule more changes no report
    golden(INCIDENTS / name / "report.json", stdlib_json.dumps(body, indent=2) + "\n")


@pytest.mark.parametrize("name", NAMES)
def test_saved_snapshot_gives_the_same_report(name: str) -> None:
    saved = snapshot_folder.parse(save.files(snapshot_of(name)), name)
    assert json.body(diagnose(saved, rules())) == json.body(report_of(name))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.schema())
