"""The judge of the fuzz tests finds what it is there to find, and the program that it runs is bounded."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.fuzz import campaign
from tests.hostile.fuzz.campaign import Ended, Run, judged, programs
from tests.hostile.fuzz.mutations import damaged, damaged_text

WELL = Ended(0, is_hanging=False, seconds=0.1, bytes=1 << 20, stdout="fine\n", stderr="")
RUN = Run((), "")


def report(folder: Path, *severities: str, gaps: tuple[str, ...] = ()) -> Path:
    file = folder / "report.json"
    skipped = [{"why": why, "asked": True} for why in gaps]
    file.write_text(json.dumps({"findings": [{"severity": s} for s in severities], "skipped": skipped}))
    return file


@pytest.mark.parametrize(
    ("code", "severities", "gaps"),
    [(0, (), ()), (0, ("info",), ()), (0, ("warning",), ("a gap",)), (1, ("error", "info"), ("a gap",)), (3, (), ("a gap",)), (3, ("info",), ("a gap",))],
)  # fmt: skip
def test_a_true_exit_code(code: int, severities: tuple[str, ...], gaps: tuple[str, ...], tmp_path: Path) -> None:
    file = report(tmp_path, *severities, gaps=gaps)
    others = {0, 1, 3} - {code}
    assert list(judged(replace(WELL, code=code), RUN, file)) == []
    wrong = {c: list(judged(replace(WELL, code=c), RUN, file)) for c in others}
    assert wrong == {c: [f"exit code {c}, and its report says {code}"] for c in others}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"is_hanging": True, "code": -9}, ["did not end within 20.0 s"]),
        ({"code": -11}, ["exit code -11: ''"]),
        ({"code": 1, "stderr": "Traceback (most recent call last):\nx"},
         ["a traceback: Traceback (most recent call last):\nx", "exit code 1, and its report says 0"]),
        ({"bytes": 800 << 20}, ["800 MiB"]),
        ({"stdout": "\x1b[31m"}, ["prints ['\\x1b']"]),
        ({"code": 2, "stderr": "words"}, ["exit code 2 needs words on stderr, and no report"]),
    ],
)  # fmt: skip
def test_what_a_run_must_not_do(changes: dict[str, Any], wrong: list[str], tmp_path: Path) -> None:
    assert list(judged(replace(WELL, **changes), RUN, report(tmp_path))) == wrong


def test_a_rule_that_raises_and_a_broken_file(tmp_path: Path) -> None:
    file = report(tmp_path, gaps=("the rule raised KeyError at rule.py:3",))
    assert list(judged(replace(WELL, code=3), RUN, file)) == ["the rule raised KeyError at rule.py:3"]
    assert list(judged(WELL, replace(RUN, is_broken=True), report(tmp_path))) == [
        "exit code 0, and a file could not be read"
    ]
    missing = list(judged(WELL, RUN, tmp_path / "none.json"))
    assert [text.partition(":")[0] for text in missing] == ["exit code 0 without a report"]


def test_the_same_seed_gives_the_same_damage() -> None:
    body = {"items": [{"spec": {"a": [1, 2, {"b": "c"}]}, "metadata": {"name": "x"}}] * 3}

    def once(seed: int) -> tuple[list[str], bytes]:
        chance = random.Random(seed)
        notes = [damaged(json.loads(json.dumps(body)), chance)[1] for _ in range(20)]
        return notes, damaged_text(b"a: 1\nb: [x, y]\n", chance)[0]

    assert once(1) == once(1)
    assert once(1) != once(2)


def test_a_program_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``rules`` answers; ``mcp`` would wait for a client for ever."""
    monkeypatch.setattr(campaign, "_SECONDS", 2.0)
    with programs({}, 1) as free:
        program = free.get()
        ends = program.run(("rules",), tmp_path)
        hangs = program.run(("mcp", "--transport", "http", "--port", "0"), tmp_path)
        refuses = program.run(("nothing",), tmp_path)
    assert (ends.code, ends.is_hanging, "helm/chart-version-missing" in ends.stdout) == (0, False, True)
    assert (hangs.code, hangs.is_hanging, hangs.seconds < 10) == (-9, True, True)
    assert (refuses.code, "No such command" in refuses.stderr) == (2, True)
