"""Makes docs/accuracy.md: the figures of recorded and generated incidents, in total and by rule, and why incidents are missed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from accuracy import ROOT, Scored, line, run
from accuracy_first_met import load

from fluxdoctor.rule import Catalogue

PAGE = ROOT / "docs" / "accuracy.md"
_PART = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- /\2 -->)", re.S)


def misses(root: Path) -> dict[str, str]:
    """Read the reason for each missed incident."""
    return dict(yaml.safe_load((root / "misses.yaml").read_text("utf-8")) or {})


def read(
    recorded: Sequence[Scored], fleets: Sequence[Scored], catalogue: Catalogue, root: Path, held_out: Path | None
) -> Page:
    """Return the page: the scores, the held-out incidents, and the reasons for misses."""
    if held_out is None:
        return Page(recorded, fleets, catalogue, misses(root))
    return Page(
        recorded, fleets, catalogue, {**misses(root), **misses(held_out)}, run(held_out, [], catalogue), load(held_out)
    )


@dataclass(frozen=True)
class Page:
    """The scores, and the reasons for misses. ``first_met``: the first scores of the ``held_out`` incidents."""

    recorded: Sequence[Scored]
    fleets: Sequence[Scored]
    catalogue: Catalogue
    why: Mapping[str, str]
    held_out: Sequence[Scored] = ()
    first_met: Sequence[Scored] = ()

    def totals(self) -> str:
        """Return the table of the totals: recorded incidents beside those held out, and generated fleets."""
        columns_by_head = (
            ("recorded", self.recorded),
            ("held out, first met", self.first_met),
            ("held out, now", self.held_out),
            ("generated", self.fleets),
        )
        heads = [head for head, scored in columns_by_head if scored]
        columns = [_figures(scored) for _, scored in columns_by_head if scored]
        lines = [f"| measured | {' | '.join(heads)} |", f"|---|{'---|' * len(columns)}"]
        lines += [f"| {label} | {' | '.join(column[label] for column in columns)} |" for label in columns[0]]
        return "\n".join(lines)

    def by_rule(self) -> str:
        """Return the table of the rules that any incident needs."""
        recorded = _Counts.of((*self.recorded, *self.held_out), self.catalogue)
        generated = _Counts.of(self.fleets, self.catalogue)
        ids = sorted(
            {*recorded.right, *recorded.wrong, *recorded.missed, *generated.right, *generated.wrong, *generated.missed}
        )
        lines = [
            "| rule | right | wrong | missed | precision | right in generated | wrong |",
            "|---|---|---|---|---|---|---|",
        ]
        for rule in ids:
            right, wrong = recorded.right[rule], recorded.wrong[rule]
            precision = f"{right / (right + wrong):.0%}" if right + wrong else "-"
            cells = (right, wrong, recorded.missed[rule], precision, generated.right[rule], generated.wrong[rule])
            lines.append(f"| {rule} | {' | '.join(map(str, cells))} |")
        root_rules = sum(r.role == "root" for r in self.catalogue.rules)
        used_rules = sum(bool((r := self.catalogue.get(i)) and r.role == "root") for i in ids)
        proven_by_examples = f"the other {root_rules - used_rules} are proven only by the examples on their pages."
        lines += ["", f"{used_rules} of {root_rules} rules were called for; {proven_by_examples}"]
        return "\n".join(lines)

    def missed(self) -> str:
        """Return the table of missed incidents with the reasons."""
        rows = [
            s for s in (*self.recorded, *self.held_out) if not s.finds_all_causes or s.wrong or not s.is_cause_first
        ]
        lines = [f"| `{s.name}` | {self.why.get(s.name, 'not explained')} |" for s in rows]
        return "\n".join(["| incident | why |", "|---|---|", *lines]) if rows else "Nothing."

    def surprises(self) -> str:
        """Return the held-out incidents whose first score was not perfect."""
        lines = [line(s) for s in self.first_met if s.score < 1 or not s.is_cause_first or s.unaccounted]
        return "\n".join(["```", *lines, "```"]) if lines else "Nothing."

    def problems(self) -> Iterator[str]:
        """Yield missed incidents without a reason, and reasons of incidents that are not missed."""
        missed_names = {
            s.name
            for s in (*self.recorded, *self.held_out)
            if not s.finds_all_causes or s.wrong or not s.is_cause_first
        }
        yield from (f"{name}: add the reason to misses.yaml" for name in sorted(missed_names - self.why.keys()))
        yield from (f"{name}: is in misses.yaml but is not missed" for name in sorted(self.why.keys() - missed_names))

    def text(self) -> str:
        """Return docs/accuracy.md with new figures."""
        parts = {
            "totals": self.totals(),
            "rules": self.by_rule(),
            "missed": self.missed(),
            "surprises": self.surprises(),
        }
        return _PART.sub(lambda m: f"{m[1]}{parts[m[2]]}\n{m[3]}", PAGE.read_text("utf-8"))


def _figures(scored: Sequence[Scored]) -> dict[str, str]:
    broken = [s for s in scored if not s.is_healthy]
    healthy = [s for s in scored if s.is_healthy]
    right, wrong = (sum(len(getattr(s, key)) for s in broken) for key in ("right", "wrong"))
    missed = sum(len(s.missed) for s in broken)
    causes = (
        sum(len({name for _, name in s.right}) if s.right and s.right[0][1] else len(s.right) for s in broken) + missed
    )
    n = len(broken) or 1
    return {
        "incidents with a fault": f"{len(broken):,}",
        "findings that count": f"{right + wrong:,}",
        "precision: right of all findings": f"{right / ((right + wrong) or 1):.1%}",
        "recall: causes that were named": f"{(causes - missed) / (causes or 1):.1%}",
        "incidents with every cause found": f"{sum(s.finds_all_causes for s in broken) / n:.1%}",
        "incidents with a true cause ranked first": f"{sum(s.is_cause_first for s in broken) / n:.1%}",
        "score, as ITBench scores": f"{sum(s.score for s in broken) / n:.3f}",
        "failing objects not accounted for": str(sum(len(s.unaccounted) for s in scored)),
        "healthy incidents": f"{len(healthy):,}",
        "false alarms (warning or above) on healthy ones": str(sum(len(s.wrong) for s in healthy)),
    }


@dataclass(frozen=True)
class _Counts:
    """How often each rule was right, wrong, or silent although it should have reported."""

    right: Counter[str]
    wrong: Counter[str]
    missed: Counter[str]

    @classmethod
    def of(cls, scored: Sequence[Scored], catalogue: Catalogue) -> _Counts:
        right = Counter(rule for s in scored for rule, _ in s.right)
        wrong = Counter(rule for s in scored for rule, _ in s.wrong)
        accepted: dict[str, list[str]] = {}
        for path in (ROOT / "fixtures").glob("*/fault-ids.yaml"):
            accepted |= yaml.safe_load(path.read_text("utf-8"))
        silent = Counter(
            rule.id
            for s in scored
            for fault, _ in s.missed
            for rule in catalogue.rules
            if set(rule.faults) & set(accepted.get(fault, ()))
        )
        return cls(right, wrong, silent)
