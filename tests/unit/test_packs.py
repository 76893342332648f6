"""Rule packs of others, installed for real beside ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.worlds import INCIDENTS, ROOT

PACKS = ROOT / "tests/packs"


def install(pack: str, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
               "--disable-pip-version-check", "--target", str(target), str(PACKS / pack)]  # fmt: skip
    subprocess.run(command, check=True, timeout=120)  # noqa: S603 - a pack of ours


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    targets = {pack: tmp_path_factory.mktemp(pack) for pack in ("acme", "broken", "double")}
    for pack, target in targets.items():
        install(pack, target)
    return targets


def run(target: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(target), "COLUMNS": "100"}
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "fluxdoctor", *args], capture_output=True, text=True, check=False, env=env, timeout=60
    )


def report(target: Path, name: str) -> dict[str, Any]:
    done = run(target, "diagnose", "--from", str(INCIDENTS / name), "--format", "json")
    return dict(json.loads(done.stdout))


def test_a_pack_is_listed_beside_ours(installed: dict[str, Path]) -> None:
    rows = json.loads(run(installed["acme"], "rules", "--rule", "acme", "--format", "json").stdout)
    assert [(r["id"], r["pack"], r["version"], r["needs"]) for r in rows] == [
        ("acme/always-raises", "acme-flux-rules", "0.1.0", ["Cluster"]),
        ("acme/team-label-missing", "acme-flux-rules", "0.1.0", ["Cluster"]),
    ]


def test_its_rule_fires_and_one_that_raises_is_skipped(installed: dict[str, Path]) -> None:
    body = report(installed["acme"], "healthy-baseline")
    found = {(f["rule"], f["subject"]["name"]) for f in body["findings"]}
    names = ("apps", "flux-system", "infra-configs", "infra-controllers", "sources", "webapp")
    assert found == {("acme/team-label-missing", name) for name in names}
    raised = [s["why"] for s in body["skipped"] if s["rule"] == "acme/always-raises"]
    assert raised == ["the rule raised RuntimeError at always_raises.py:10"]
    assert "hunter2" not in json.dumps(body)


def test_its_pages_are_tests(installed: dict[str, Path]) -> None:
    code = (
        "from fluxdoctor.testing import examples\n"
        "for e in examples('acme_flux_rules'): print(e, e.actual() == e.expected)"
    )
    env = {**os.environ, "PYTHONPATH": str(installed["acme"])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)  # noqa: S603
    assert done.stdout.splitlines() == [
        "acme/team-label-missing: Broken: the label is not there True",
        "acme/team-label-missing: Fixed: it is True",
    ]


def test_a_pack_that_does_not_import_is_told_and_ours_still_run(installed: dict[str, Path]) -> None:
    body = report(installed["broken"], "cascade-chain-top")
    assert [f["rule"] for f in body["findings"]] == ["kustomize/path-not-found"]
    why = "pack broken-flux-rules (broken_flux_rules) could not be loaded: ModuleNotFoundError: No module named 'no_such_module_anywhere'"
    assert why in [s["why"] for s in body["skipped"]]


def test_an_id_offered_twice_names_both_packs(installed: dict[str, Path]) -> None:
    done = run(installed["double"], "rules")
    assert done.returncode == 2
    assert (
        done.stderr
        == "fluxdoctor: rule kustomize/path-not-found exists in two packs: double-flux-rules and fluxdoctor\n"
    )
