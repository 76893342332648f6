"""Each attack, on the program as a user starts it. FLUXDOCTOR_REDTEAM=all runs the long ones too, and mutates more."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.worlds import ROOT
from tests.redteam import (
    cases_escape,
    cases_fetch,
    cases_lifetime,
    cases_login,
    cases_mcp,
    cases_memory,
    cases_regex,
    cases_regression,
    cases_secrets,
    cases_silence,
    cases_slow,
    cases_traceback,
)
from tests.redteam.kit import CASES, Case, FastRunner, run_case

MODULES = (
    cases_escape, cases_fetch, cases_lifetime, cases_login, cases_mcp, cases_memory, cases_regex, cases_regression,
    cases_secrets, cases_silence, cases_slow, cases_traceback,
)  # fmt: skip
IS_WHOLE = os.environ.get("FLUXDOCTOR_REDTEAM") == "all"
#: Tests share two cores with others: each limit of time is this many times as long.
PATIENCE = 3.0
#: kustomize reads and fetches what a kustomization file names. These hold when the build has walls of its own.
THROUGH_KUSTOMIZE = {
    "escape-inline-generator", "escape-generator-file", "escape-letter-case", "escape-yaml-escape", "escape-patch-path",
    "escape-validators", "escape-cache", "escape-mcp-root", "fetch-resource", "fetch-generator-field",
    "fetch-inline-generator",
}  # fmt: skip
ENTRY = """\
#!{python}
import sys
sys.path[0:0] = {paths}
from fluxdoctor.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as a script of this interpreter, whatever is on PATH."""
    script = tmp_path_factory.mktemp("program") / "fluxdoctor"
    script.write_text(ENTRY.format(python=sys.executable, paths=[str(ROOT), str(ROOT / "rules")]))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


@pytest.fixture(scope="module")
def fast(program: Path) -> Iterator[FastRunner]:
    runner = FastRunner(program)
    yield runner
    runner.close()


def _cases() -> Iterator[object]:
    for one in CASES.values():
        if one.quick or IS_WHOLE:
            why = "kustomize reads files and fetches addresses that the repository names"
            marks = [pytest.mark.xfail(strict=True, reason=why)] if one.name in THROUGH_KUSTOMIZE else []
            yield pytest.param(one, id=one.name, marks=marks)


@pytest.mark.parametrize("one", list(_cases()))
def test_attack(one: Case, program: Path, fast: FastRunner) -> None:
    verdict = run_case(one, program, quick=not IS_WHOLE, patience=PATIENCE, fast=fast)
    if verdict.startswith("skipped: "):
        pytest.skip(verdict.removeprefix("skipped: "))
    assert verdict == "held"


def test_every_module_has_cases() -> None:
    modules = {one.function.__module__ for one in CASES.values()}
    assert modules == {module.__name__ for module in MODULES}
