"""Scores fluxdoctor on recorded incidents: `python tools/accuracy.py DIR [GLOB ...] [--markdown] [--misses]`.

How an incident is scored: findings of severity error count; of warning too where nothing is visibly failing or the answer
says so. A finding is right where its subject, or one of its ``also``, is a root cause's object (or one that is a fair answer
too) and its rule knows the fault; tolerated where its subject is related or no rule knew better; else wrong. Found: every
root cause has a right finding. First: the first finding is right. Score: 0 where a cause is missed, else right / (right + wrong).
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from fluxdoctor.collect.folder import load
from fluxdoctor.diagnose import diagnose
from fluxdoctor.model.finding import Finding, Report, Severity
from fluxdoctor.model.resource import Ref
from fluxdoctor.rule import Catalogue, installed

UNEXPLAINED = "flux/unexplained"
TARGETS = {"found": 0.90, "first": 0.85}


@dataclass
class Scored:
    """How one incident went."""

    name: str
    healthy: bool
    found: bool
    first: bool
    score: float
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    unaccounted: list[str] = field(default_factory=list)


def _ref(row: dict[str, Any]) -> Ref:
    return Ref(row["kind"], row.get("namespace") or "", row["name"])


def _refs(cause: dict[str, Any], key: str) -> set[Ref]:
    return {_ref(row) for row in cause.get(key, [])}


def _is_right(finding: Finding, cause: dict[str, Any], accepted: dict[str, list[str]]) -> bool:
    objects = {_ref(cause), *_refs(cause, "also_accept")}
    return bool(objects & {finding.subject, *finding.also}) and bool(
        set(finding.faults) & set(accepted[cause["fault"]])
    )


def _counts(finding: Finding, expected: dict[str, Any]) -> bool:
    soft = not expected["observed_not_ready"] or any(c.get("severity") == "warning" for c in expected["root_causes"])
    return finding.severity is Severity.ERROR or (soft and finding.severity is Severity.WARNING)


def _unaccounted(report: Report, expected: dict[str, Any]) -> list[str]:
    told = {str(r) for f in report.findings for r in (f.subject, *f.also, *f.blocks)}
    return [row["object"] for row in expected["observed_not_ready"] if row["object"] not in told]


def score(name: str, report: Report, expected: dict[str, Any], accepted: dict[str, list[str]]) -> Scored:
    """Score one incident."""
    unaccounted = _unaccounted(report, expected)
    if expected["healthy"]:
        loud = [f"{f.rule} {f.subject}" for f in report.findings if f.severity is not Severity.INFO]
        return Scored(name, True, not loud, not loud, 0.0 if loud else 1.0, loud, [], unaccounted)
    causes = expected["root_causes"]
    counted = [f for f in report.findings if _counts(f, expected)]
    related = {ref for c in causes for ref in _refs(c, "related")}
    right = [f for f in counted if any(_is_right(f, c, accepted) for c in causes)]
    wrong = [f for f in counted if f not in right and f.rule != UNEXPLAINED and f.subject not in related]
    missed = [c for c in causes if not any(_is_right(f, c, accepted) for f in right)]
    return Scored(
        name,
        healthy=False,
        found=not missed,
        first=bool(counted) and counted[0] in right,
        score=0.0 if missed else len(right) / (len(right) + len(wrong)),
        wrong=[f"{f.rule} {f.subject}" for f in wrong],
        missed=[f"{c['fault']} {_ref(c)}" for c in missed],
        unaccounted=unaccounted,
    )


def run(root: Path, globs: list[str], catalogue: Catalogue) -> list[Scored]:
    """Score every incident below a folder."""
    accepted = yaml.safe_load((root / "fault-ids.yaml").read_text("utf-8"))
    found = []
    for folder in sorted(p.parent for p in root.glob("*/expected.yaml")):
        if globs and not any(fnmatch.fnmatchcase(folder.name, g) for g in globs):
            continue
        expected = yaml.safe_load((folder / "expected.yaml").read_text("utf-8"))
        found.append(score(folder.name, diagnose(load(folder), catalogue), expected, accepted))
    return found


def table(scored: list[Scored]) -> list[tuple[str, str]]:
    """Return the totals: what was measured, and the figure."""
    broken = [s for s in scored if not s.healthy]
    healthy = [s for s in scored if s.healthy]
    n = len(broken) or 1
    return [
        ("incidents with a fault", str(len(broken))),
        ("root cause found", f"{sum(s.found for s in broken)} ({sum(s.found for s in broken) / n:.1%})"),
        ("ranked first", f"{sum(s.first for s in broken)} ({sum(s.first for s in broken) / n:.1%})"),
        ("score (0 where a cause is missed, else precision)", f"{sum(s.score for s in broken) / n:.3f}"),
        ("wrong findings", str(sum(len(s.wrong) for s in broken))),
        ("healthy clusters", str(len(healthy))),
        ("healthy clusters with a finding of warning or above", str(sum(bool(s.wrong) for s in healthy))),
        ("failing objects not accounted for", str(sum(len(s.unaccounted) for s in scored))),
    ]


def _line(s: Scored) -> str:
    marks = f"{'found' if s.found else 'MISSED':<7}{'first' if s.first else '-':<6}{s.score:<5.2f}"
    notes = [*(f"missed: {m}" for m in s.missed), *(f"wrong: {w}" for w in s.wrong)]
    notes += [f"unaccounted: {u}" for u in s.unaccounted]
    return f"{s.name:<38} {marks} {'; '.join(notes)}".rstrip()


def good(scored: list[Scored]) -> bool:
    """Tell whether the promises hold: found, first, no false alarm, nothing unaccounted for."""
    broken = [s for s in scored if not s.healthy]
    n = len(broken) or 1
    return (
        sum(s.found for s in broken) / n >= TARGETS["found"]
        and sum(s.first for s in broken) / n >= TARGETS["first"]
        and all(s.found for s in scored if s.healthy)
        and not any(s.unaccounted for s in scored)
    )


def main() -> int:
    """Print a line for each incident, and the totals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("globs", nargs="*")
    parser.add_argument("--misses", action="store_true", help="only the incidents that are not perfect")
    parser.add_argument("--markdown", action="store_true", help="only the totals, as a table")
    options = parser.parse_args()
    scored = run(options.root, options.globs, installed())
    if options.markdown:
        print("| measured | |\n|---|---|\n" + "\n".join(f"| {k} | {v} |" for k, v in table(scored)))
        return 0
    for s in scored:
        if not options.misses or s.score < 1 or not s.first or s.unaccounted:
            print(_line(s))
    print()
    for what, figure in table(scored):
        print(f"{what:<55} {figure}")
    return 0 if options.globs or good(scored) else 1


if __name__ == "__main__":
    sys.exit(main())
