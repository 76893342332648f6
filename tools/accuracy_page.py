"""docs/accuracy.md: the figures of recorded and generated incidents, in total and for each rule, and every miss explained."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from accuracy import ROOT, Scored, line, run
from accuracy_kept import kept

from fluxdoctor.rule import Catalogue

PAGE = ROOT / "docs" / "accuracy.md"
_PART = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- /\2 -->)", re.S)


def misses(root: Path) -> dict[str, str]:
    """Read why each incident that is missed is missed."""
    return dict(yaml.safe_load((root / "misses.yaml").read_text("utf-8")) or {})


def read(
    recorded: Sequence[Scored], fleets: Sequence[Scored], catalogue: Catalogue, root: Path, held_out: Path | None
) -> Page:
    """Put the page together: what was scored, the incidents that were held out, and the reasons of what is missed."""
    if held_out is None:
        return Page(recorded, fleets, catalogue, misses(root))
    return Page(
        recorded, fleets, catalogue, {**misses(root), **misses(held_out)}, run(held_out, [], catalogue), kept(held_out)
    )


@dataclass(frozen=True)
class Page:
    """What was measured, and the words for what was missed. ``first``: ``held`` as scored before the rules had met them."""

    recorded: Sequence[Scored]
    fleets: Sequence[Scored]
    catalogue: Catalogue
    why: Mapping[str, str]
    held: Sequence[Scored] = ()
    first: Sequence[Scored] = ()

    def totals(self) -> str:
        """Return the table of the totals: recorded incidents beside those held out, and generated fleets."""
        named = (
            ("recorded", self.recorded),
            ("held out, first met", self.first),
            ("held out, now", self.held),
            ("generated", self.fleets),
        )
        heads = [head for head, scored in named if scored]
        columns = [_figures(scored) for _, scored in named if scored]
        lines = [f"| measured | {' | '.join(heads)} |", f"|---|{'---|' * len(columns)}"]
        lines += [f"| {what} | {' | '.join(c[what] for c in columns)} |" for what in columns[0]]
        return "\n".join(lines)

    def by_rule(self) -> str:
        """Return the table of the rules that any incident called for."""
        rows = _Counts.of((*self.recorded, *self.held), self.catalogue)
        made = _Counts.of(self.fleets, self.catalogue)
        ids = sorted({*rows.right, *rows.wrong, *rows.missed, *made.right, *made.wrong, *made.missed})
        lines = [
            "| rule | right | wrong | missed | precision | right in generated | wrong |",
            "|---|---|---|---|---|---|---|",
        ]
        for rule in ids:
            right, wrong = rows.right[rule], rows.wrong[rule]
            precision = f"{right / (right + wrong):.0%}" if right + wrong else "-"
            cells = (right, wrong, rows.missed[rule], precision, made.right[rule], made.wrong[rule])
            lines.append(f"| {rule} | {' | '.join(map(str, cells))} |")
        known = sum(r.role == "root" for r in self.catalogue.rules)
        used = sum(bool((r := self.catalogue.get(i)) and r.role == "root") for i in ids)
        rest = known - used
        lines += [
            "",
            f"{used} of {known} rules were called for; the other {rest} are proven only by the examples on their pages.",
        ]
        return "\n".join(lines)

    def missed(self) -> str:
        """Return the table of what is missed, with the reason."""
        rows = [s for s in (*self.recorded, *self.held) if not s.found or s.wrong or not s.first]
        lines = [f"| `{s.name}` | {self.why.get(s.name, 'not explained')} |" for s in rows]
        return "\n".join(["| incident | why |", "|---|---|", *lines]) if rows else "Nothing."

    def surprises(self) -> str:
        """Return what went wrong when the held-out incidents were first met."""
        told = [line(s) for s in self.first if s.score < 1 or not s.first or s.unaccounted]
        return "\n".join(["```", *told, "```"]) if told else "Nothing."

    def problems(self) -> Iterator[str]:
        """Yield what is missed and not explained, and what is explained and not missed any more."""
        rows = {s.name for s in (*self.recorded, *self.held) if not s.found or s.wrong or not s.first}
        yield from (f"{name}: say in misses.yaml why" for name in sorted(rows - self.why.keys()))
        yield from (f"{name}: is in misses.yaml and is not missed" for name in sorted(self.why.keys() - rows))

    def text(self) -> str:
        """Return docs/accuracy.md with its figures made anew."""
        parts = {
            "totals": self.totals(),
            "rules": self.by_rule(),
            "missed": self.missed(),
            "surprises": self.surprises(),
        }
        return _PART.sub(lambda m: f"{m[1]}{parts[m[2]]}\n{m[3]}", PAGE.read_text("utf-8"))


def _figures(scored: Sequence[Scored]) -> dict[str, str]:
    broken = [s for s in scored if not s.healthy]
    healthy = [s for s in scored if s.healthy]
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
        "incidents with every cause found": f"{sum(s.found for s in broken) / n:.1%}",
        "incidents with a true cause ranked first": f"{sum(s.first for s in broken) / n:.1%}",
        "score, as ITBench scores": f"{sum(s.score for s in broken) / n:.3f}",
        "failing objects not accounted for": str(sum(len(s.unaccounted) for s in scored)),
        "healthy incidents": f"{len(healthy):,}",
        "false alarms (warning or above) on healthy ones": str(sum(len(s.wrong) for s in healthy)),
    }


@dataclass(frozen=True)
class _Counts:
    """How often each rule was right, wrong, or silent where it should have spoken."""

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
