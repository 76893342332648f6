"""Scores fluxdoctor on recorded and generated incidents: `python tools/accuracy.py DIR [GLOB ...] [options]`.

How an incident is scored: findings of severity error count; findings of severity warning also count if no object is visibly
failing or the answer expects a warning. A finding is right if its subject, or one of its ``also``, is the object of a root cause
(or an accepted alternative) and its rule knows the fault; it is tolerated if its subject is related or if it is the fallback
of unexplained objects; else it is wrong. Found: every root cause has a right finding. First: the first finding is right.
Score: 0 if a cause is missed, else right / (right + wrong), which is how ITBench scores a diagnosis.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.store.snapshot_folder import load
from fluxdoctor.model.finding import Finding, Report, Severity
from fluxdoctor.model.resource import Ref
from fluxdoctor.rule import Catalogue, installed

UNEXPLAINED = "flux/unexplained"
TARGETS = {"found": 0.98, "first": 0.95, "score": 0.95}
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Scored:
    """The result of one incident. ``right``, ``wrong``: rule and object; ``missed``: fault and object."""

    name: str
    is_healthy: bool
    is_cause_first: bool
    right: tuple[tuple[str, str], ...] = ()
    wrong: tuple[tuple[str, str], ...] = ()
    missed: tuple[tuple[str, str], ...] = ()
    unaccounted: tuple[str, ...] = ()

    @property
    def finds_all_causes(self) -> bool:
        """Whether every cause has a right finding; for a healthy incident, whether there is no finding."""
        return not (self.wrong if self.is_healthy else self.missed)

    @property
    def score(self) -> float:
        """0 if a cause is missed, else the share of right findings."""
        if not self.finds_all_causes:
            return 0.0
        return 1.0 if self.is_healthy else len(self.right) / (len(self.right) + len(self.wrong))


def _ref(row: dict[str, Any]) -> Ref:
    return Ref(row["kind"], row.get("namespace") or "", row["name"])


def _refs(cause: dict[str, Any], key: str) -> set[Ref]:
    return {_ref(row) for row in cause.get(key, [])}


def _is_right(finding: Finding, cause: dict[str, Any], accepted: dict[str, list[str]]) -> bool:
    objects = {_ref(cause), *_refs(cause, "also_accept")}
    return bool(objects & {finding.subject, *finding.also}) and bool(
        set(finding.faults) & set(accepted[cause["fault"]])
    )


def _is_counted(finding: Finding, expected: dict[str, Any]) -> bool:
    includes_warnings = not expected["observed_not_ready"] or any(
        c.get("severity") == "warning" for c in expected["root_causes"]
    )
    return finding.severity is Severity.ERROR or (includes_warnings and finding.severity is Severity.WARNING)


def _unaccounted(report: Report, expected: dict[str, Any]) -> tuple[str, ...]:
    reported = {str(r) for f in report.findings for r in (f.subject, *f.also, *f.blocks)}
    return tuple(row["object"] for row in expected["observed_not_ready"] if row["object"] not in reported)


def _rule_and_subject(findings: Iterable[Finding]) -> tuple[tuple[str, str], ...]:
    return tuple((f.rule, str(f.subject)) for f in findings)


def score(name: str, report: Report, expected: dict[str, Any], accepted: dict[str, list[str]]) -> Scored:
    """Score one incident."""
    unaccounted = _unaccounted(report, expected)
    if expected["healthy"]:
        alarms = [f for f in report.findings if f.severity is not Severity.INFO]
        return Scored(
            name, is_healthy=True, is_cause_first=not alarms, wrong=_rule_and_subject(alarms), unaccounted=unaccounted
        )
    causes = expected["root_causes"]
    counted = [f for f in report.findings if _is_counted(f, expected)]
    related_refs = {ref for c in causes for ref in _refs(c, "related")}
    right = [f for f in counted if any(_is_right(f, c, accepted) for c in causes)]
    wrong = [f for f in counted if f not in right and f.rule != UNEXPLAINED and f.subject not in related_refs]
    missed = [c for c in causes if not any(_is_right(f, c, accepted) for f in right)]
    return Scored(
        name,
        is_healthy=False,
        is_cause_first=bool(counted) and counted[0] in right,
        right=_rule_and_subject(right),
        wrong=_rule_and_subject(wrong),
        missed=tuple((c["fault"], str(_ref(c))) for c in missed),
        unaccounted=unaccounted,
    )


def run(root: Path, globs: Sequence[str], catalogue: Catalogue) -> list[Scored]:
    """Score every incident below a folder."""
    accepted = yaml.safe_load((root / "fault-ids.yaml").read_text("utf-8"))
    scores = []
    for folder in sorted(p.parent for p in root.glob("*/expected.yaml")):
        if globs and not any(fnmatch.fnmatchcase(folder.name, g) for g in globs):
            continue
        expected = yaml.safe_load((folder / "expected.yaml").read_text("utf-8"))
        scores.append(score(folder.name, diagnose(load(folder), catalogue), expected, accepted))
    return scores


def table(scored: Sequence[Scored]) -> list[tuple[str, str]]:
    """Return the totals: label and figure."""
    broken = [s for s in scored if not s.is_healthy]
    healthy = [s for s in scored if s.is_healthy]
    n = len(broken) or 1
    return [
        ("incidents with a fault", str(len(broken))),
        (
            "root cause found",
            f"{sum(s.finds_all_causes for s in broken)} ({sum(s.finds_all_causes for s in broken) / n:.1%})",
        ),
        ("ranked first", f"{sum(s.is_cause_first for s in broken)} ({sum(s.is_cause_first for s in broken) / n:.1%})"),
        ("score (0 where a cause is missed, else precision)", f"{sum(s.score for s in broken) / n:.3f}"),
        ("wrong findings", str(sum(len(s.wrong) for s in broken))),
        ("healthy clusters", str(len(healthy))),
        ("healthy clusters with a finding of warning or above", str(sum(bool(s.wrong) for s in healthy))),
        ("failing objects not accounted for", str(sum(len(s.unaccounted) for s in scored))),
    ]


def line(scored: Scored) -> str:
    """Return the result of one incident as a line."""
    found_mark = "found" if scored.finds_all_causes else "MISSED"
    first_mark = "first" if scored.is_cause_first else "-"
    marks = f"{found_mark:<7}{first_mark:<6}{scored.score:<5.2f}"
    notes = [
        f"{label}: {' '.join(pair)}"
        for label, pairs in (("missed", scored.missed), ("wrong", scored.wrong))
        for pair in pairs
    ]
    notes += [f"unaccounted: {u}" for u in scored.unaccounted]
    return f"{scored.name:<38} {marks} {'; '.join(notes)}".rstrip()


def good(scored: Sequence[Scored]) -> bool:
    """Tell whether the results reach the targets: found, first, score, no false alarm, no unaccounted object."""
    broken = [s for s in scored if not s.is_healthy]
    n = len(broken) or 1
    return (
        sum(s.finds_all_causes for s in broken) / n >= TARGETS["found"]
        and sum(s.is_cause_first for s in broken) / n >= TARGETS["first"]
        and sum(s.score for s in broken) / n >= TARGETS["score"]
        and all(s.finds_all_causes for s in scored if s.is_healthy)
        and not any(s.unaccounted for s in scored)
    )


def main() -> int:
    """Print a line for each incident, the totals and each rule; write docs/accuracy.md on request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("globs", nargs="*")
    parser.add_argument("--misses", action="store_true", help="only the incidents that are not perfect")
    parser.add_argument("--fleets", type=int, default=0, metavar="N", help="score N generated incidents too")
    parser.add_argument("--held-out", type=Path, metavar="DIR", help="incidents recorded after the rules were written")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="save the scores in DIR/first-met.yaml, as the first scores of new incidents",
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page of figures")
    options = parser.parse_args()
    catalogue = installed()
    scores = run(options.root, options.globs, catalogue)
    for s in scores:
        if not options.misses or s.score < 1 or not s.is_cause_first or s.unaccounted:
            print(line(s))
    import accuracy_first_met
    import accuracy_page
    import generated

    if options.keep:
        accuracy_first_met.save(scores, options.root)
    if options.globs or options.keep:
        return 0
    fleets = generated.run(options.fleets, catalogue)
    page = accuracy_page.read(scores, fleets, catalogue, options.root, options.held_out)
    print(f"\n{page.totals()}\n{page.by_rule()}")
    problems = [*page.problems(), *(line(s) for s in fleets if s.score < 1 or s.unaccounted)]
    print("\n".join(problems))
    if options.write:
        options.write.write_text(page.text(), "utf-8")
    return 0 if good(scores) and not problems else 1


if __name__ == "__main__":
    sys.exit(main())
