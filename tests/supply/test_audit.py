"""What ``make audit`` says is true: an answer that did not come is no clean bill."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import audit
import pytest

PINS = ["a==1.0", "b==2.0", "c==3.0"]


def report(
    requirements: Sequence[str], vulnerable: Mapping[str, Any] | None = None, unknown: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what pip-audit prints as JSON."""
    dependencies: list[dict[str, Any]] = []
    for pin in requirements:
        name, version = pin.split("==")
        if pin in unknown:
            reason = f"Dependency not found on PyPI and could not be audited: {name} ({version})"
            dependencies.append({"name": name, "skip_reason": reason})
        else:
            dependencies.append({"name": name, "version": version, "vulns": (vulnerable or {}).get(pin, [])})
    return {"dependencies": dependencies, "fixes": []}


def vulnerability(name: str, *fixed: str, aliases: Sequence[str] = ()) -> dict[str, Any]:
    return {"id": name, "fix_versions": list(fixed), "aliases": list(aliases), "description": "..."}


@pytest.fixture(autouse=True)
def small_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "pins", lambda _: PINS)


def run(ask: audit.Ask, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    code = audit.main(arguments, ask)
    return code, capsys.readouterr().out.splitlines()


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda _, pins: report(pins), capsys) == (0, ["audit: 3 packages audited, 0 known vulnerabilities"])


def test_a_vulnerability_fails(capsys: pytest.CaptureFixture[str]) -> None:
    flaws = {"c==3.0": [vulnerability("PYSEC-2026-1", "3.1", "4.0"), vulnerability("PYSEC-2026-2")]}
    assert run(lambda _, pins: report(pins, flaws), capsys) == (
        1,
        [
            "audit: VULNERABLE c==3.0: PYSEC-2026-1 (fixed in 3.1, 4.0)",
            "audit: VULNERABLE c==3.0: PYSEC-2026-2 (fixed in no version)",
            "audit: 3 packages audited, 2 known vulnerabilities",
        ],
    )


def test_an_accepted_one_is_named_with_its_reason(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "ACCEPTED", {"CVE-2026-1": "its server is never started"})
    flaws = {"a==1.0": [vulnerability("PYSEC-2026-1", aliases=["CVE-2026-1"])]}
    assert run(lambda _, pins: report(pins, flaws), capsys) == (
        0,
        [
            "audit: 3 packages audited, 0 known vulnerabilities",
            "audit: accepted: CVE-2026-1: its server is never started",
        ],
    )


@pytest.mark.parametrize("silence", [None, {}, "skipped"])
def test_silence_is_not_clean(silence: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """No answer, an answer of another shape, and pip-audit's exit code 0 for a registry that has no such pages."""
    asked: list[tuple[str, int]] = []

    def ask(service: str, pins: Sequence[str]) -> Mapping[str, Any] | None:
        asked.append((service, len(pins)))
        return report(pins, unknown=pins) if silence == "skipped" else silence

    lines = [
        "audit: NOT AUDITED: 3 of 3 packages; this is not a clean result",
        "audit:   pypi could not be asked",
        "audit:   osv could not be asked",
    ]
    assert run(ask, capsys) == (0, lines)
    assert run(ask, capsys, "--strict") == (1, lines)
    assert asked == [("pypi", 1), ("osv", 1)] * 2, "a service without an answer is asked no more"


def test_the_second_service_is_asked_about_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    def ask(service: str, pins: Sequence[str]) -> Mapping[str, Any]:
        assert service == "pypi" or pins in (["b==2.0"], ["c==3.0"])
        return report(pins, unknown=["b==2.0", "c==3.0"] if service == "pypi" else ["c==3.0"])

    assert run(ask, capsys) == (
        0,
        [
            "audit: NOT AUDITED: 1 of 3 packages; this is not a clean result",
            "audit:   no service knows c==3.0",
            "audit: 2 packages audited, 0 known vulnerabilities",
        ],
    )


@pytest.mark.parametrize("output", ["", "Traceback (most recent call last):\n", "[]"])
def test_what_pip_audit_prints_instead_of_a_report_is_no_report(output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 1, stdout=output, stderr="")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert audit.pip_audit("pypi", PINS) is None


def test_a_service_that_does_not_end_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("pip-audit", 1)

    monkeypatch.setattr(subprocess, "run", hang)
    assert audit.pip_audit("osv", PINS) is None
