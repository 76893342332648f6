"""Repositories before they are deployed: each pattern of fixtures/check with its whole report, by real kustomize."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fluxdoctor.app import check
from fluxdoctor.app.diagnose import exit_code
from fluxdoctor.model.finding import Report, Severity
from fluxdoctor.repository.build import kustomize
from fluxdoctor.repository.files.repository import Repository
from tests.helpers.fleet import needs_kustomize
from tests.helpers.worlds import ROOT, rules

CASES = sorted((ROOT / "fixtures" / "check").glob("*.md"))
_FENCE = re.compile(r"^```(\S+)(?: (\S+)(?: (\S+))?)?\n(.*?)^```$", re.M | re.S)


def repository(text: str) -> tuple[Repository, str]:
    """Read a case: the files of a repository, and the findings expected of it."""
    files, expected = {}, ""
    for kind, path, encoding, content in _FENCE.findall(text):
        if kind == "findings":
            expected = content
        elif encoding:
            files[path] = content.replace("\n", "\r\n").encode(encoding)
        else:
            files[path] = content.encode()
    return Repository("fleet", files), expected


def lines(report: Report) -> str:
    """One line a finding: what, of whom, where, in which clusters."""
    return "".join(
        f"{f.severity} {f.rule} {f.subject}: {f.message} ({f.location}) in {', '.join(f.clusters)}\n"
        for f in report.findings
    )


@needs_kustomize
@pytest.mark.parametrize("case", CASES, ids=lambda p: p.stem)
def test_pattern(case: Path, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    text = case.read_text("utf-8")
    held, expected = repository(text)
    actual = lines(check.check(held, rules(), check.CheckOptions(cache=tmp_path)))
    if request.config.getoption("--update"):
        case.write_text(
            re.sub(r"^```findings\n.*?^```$", lambda _: f"```findings\n{actual}```", text, flags=re.M | re.S), "utf-8"
        )
        return
    assert actual == expected
    assert lines(check.check(held, rules(), check.CheckOptions(cache=tmp_path))) == expected


@pytest.mark.parametrize("case", CASES, ids=lambda p: p.stem)
def test_without_kustomize_nothing_is_said_that_a_build_would_disprove(
    case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a build would show is missing then, and nothing else is there."""
    held, expected = repository(case.read_text("utf-8"))
    monkeypatch.setattr(kustomize, "command", lambda: ())
    found = lines(check.check(held, rules())).splitlines()
    assert [line for line in found if not line.startswith("info") and line not in expected.splitlines()] == []


@needs_kustomize
def test_a_build_that_is_not_let_come_to_its_end_is_not_seen_and_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    held, _ = repository((ROOT / "fixtures" / "check" / "18-remote.md").read_text("utf-8"))
    monkeypatch.setattr(kustomize, "_SECONDS", 0.001)
    report = check.check(held, rules())
    assert [f for f in report.findings if f.severity is not Severity.INFO] == []
    assert sorted(s.why for s in report.skipped if s.asked) == [
        "the build of Kustomization/flux-system/apps: it took longer than 0.001 s",
        "the build of Kustomization/flux-system/flux-system: it took longer than 0.001 s",
    ]
    assert exit_code(report, Severity.ERROR) == 3
