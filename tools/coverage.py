"""Makes rules/COVERAGE.md: for each row of the fault catalogue, the rules that recognise it, or why none does.

`python tools/coverage.py` writes it. `fixtures/faults.yaml` is the catalogue, `rules/exclusions.yaml` argues each row that
no rule can recognise. The tests fail where the table is out of date or a row's own message is not recognised.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from fluxdoctor.engine import recognise
from fluxdoctor.model.resource import Fields
from fluxdoctor.rule import Rule, installed

ROOT = Path(__file__).parent.parent
FAULTS = ROOT / "fixtures" / "faults.yaml"
EXCLUSIONS = ROOT / "rules" / "exclusions.yaml"
TRAPS = ROOT / "fixtures" / "traps.yaml"
TABLE = ROOT / "rules" / "COVERAGE.md"
#: What stands for a placeholder of a message, by its name; "web" for any other.
_WORDS = {
    "err": "an example", "d": "30s", "ns": "apps", "n": "web", "i": "0", "gv": "apps/v1", "group": "example.com", "version": "v1",
    "old": "v1beta1", "new": "v2", "host": "git.example.com", "url": "https://git.example.com/acme/web.git", "path": "apps/web",
    "Kind": "Kustomization", "k": "GitRepository", "obj": "Deployment/apps/web", "p": "apps/web", "f": "Updated", "g": "Changed",
    "ip": "10.0.0.1", "port": "443", "code": "500", "sha": "0123456", "digest": "sha256:0123", "range": ">=9.0.0", "v": "web-1",
    "s": "https", "t": "latest", "removed version": "v1beta1", "fluxgroup": "source.toolkit.fluxcd.io", "field path": "spec.web",
    "limit": "100", "m": "100", "svc": "web", "duration": "30s", "tag": "1.0.0", "commit": "0123456789abcdef",
}  # fmt: skip
_PLACE = re.compile(r"<([^<>]*)>")
_SERIOUS = ("high", "med")


@dataclass(frozen=True)
class Fault:
    """One row of the catalogue."""

    id: str
    section: str
    frequency: str
    role: str
    kinds: tuple[str, ...]
    reason: str
    message: str
    sample: str
    regex: str
    objects: bool

    @property
    def counts(self) -> bool:
        """A root cause that people meet often enough to be owed a rule."""
        return self.role == "root" and self.frequency in _SERIOUS


@dataclass(frozen=True)
class Row:
    """A fault, the rules that name it, and what is argued where there is none."""

    fault: Fault
    rules: tuple[Rule, ...] = ()
    why: str = ""

    @property
    def proven(self) -> bool:
        """A rule looks at facts for it."""
        return any(r.check for r in self.rules)


@dataclass(frozen=True)
class Proof:
    """What shows that no rule falls for a trap: an example of a page, an incident, a repository, or a page of tests/traps."""

    kind: str
    name: str
    example: str = ""

    @classmethod
    def read(cls, text: str) -> Proof:
        """Read ``page RULE EXAMPLE``, ``incident NAME``, ``check NAME`` or ``trap NAME``."""
        kind, name, *example = text.split(" ", 2)
        return cls(kind, name, *example)

    def __str__(self) -> str:
        where = self.path.relative_to(ROOT)
        return f"[{self.name}](../{where})" + (f" ({self.example.partition(': ')[2]})" if self.example else "")

    @property
    def path(self) -> Path:
        """The file or folder. Raises KeyError for a kind that is none of the four."""
        return (
            ROOT
            / {
                "page": f"rules/fluxdoctor_rules/{self.name}.md",
                "incident": f"fixtures/incidents/{self.name}",
                "check": f"fixtures/check/{self.name}.md",
                "trap": f"tests/traps/{self.name}.md",
            }[self.kind]
        )

    def exists(self) -> bool:
        """Tell whether it is there; of a page, the example."""
        there = self.path.exists()
        return f"\n## {self.example}\n" in self.path.read_text("utf-8") if there and self.example else there


@dataclass(frozen=True)
class Trap:
    """Something that looks broken and is normal, and what proves that no rule falls for it."""

    text: str
    proofs: tuple[Proof, ...]


@dataclass
class Coverage:
    """The whole table, and what is wrong with it."""

    rows: list[Row] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)


def faults(path: Path = FAULTS) -> list[Fault]:
    """Read the catalogue."""
    return [_fault(Fields(row)) for row in yaml.safe_load(path.read_text("utf-8"))]


def _fault(row: Fields) -> Fault:
    return Fault(
        id=row.text("id"),
        section=row.text("section"),
        frequency=row.text("frequency"),
        role=row.text("role"),
        kinds=row.strings("kinds"),
        reason=row.text("reason"),
        message=row.text("message"),
        sample=row.text("sample"),
        regex=row.text("regex"),
        objects=row.flag("objects"),
    )


def traps(path: Path = TRAPS) -> list[Trap]:
    """Read the traps."""
    rows = map(Fields, yaml.safe_load(path.read_text("utf-8")))
    return [Trap(row.text("trap"), tuple(map(Proof.read, row.strings("proofs")))) for row in rows]


def sample(fault: Fault) -> str:
    """Return a message of the fault as a controller would write it: the template with words for its placeholders."""
    if fault.sample:
        return fault.sample
    return _PLACE.sub(lambda found: _word(found[1]), fault.message)


def _word(name: str) -> str:
    first = name.split("|", maxsplit=1)[0].strip()
    known = _WORDS.get(name, _WORDS.get(name.lower(), ""))
    return known or ("" if name == "..." else first if "|" in name else "web")


def coverage(rules: Sequence[Rule], known: Iterable[Fault], argued: Mapping[str, str]) -> Coverage:
    """Put rules beside faults; name every rule and every exclusion that does not fit."""
    found = Coverage()
    rows = {fault.id: fault for fault in known}
    by_fault: dict[str, list[Rule]] = {}
    for rule in rules:
        for fault_id in rule.faults:
            by_fault.setdefault(fault_id, []).append(rule)
            if fault_id not in rows:
                found.flaws.append(f"{rule.id} names a fault that is not in the catalogue: {fault_id}")
    found.flaws += [f"{EXCLUSIONS.name}: no such fault: {i}" for i in argued if i not in rows]
    for fault in rows.values():
        claiming = tuple(by_fault.get(fault.id, ()))
        if claiming and fault.id in argued:
            found.flaws.append(f"{EXCLUSIONS.name}: {fault.id} is recognised by {claiming[0].id}")
        if claiming and not recognised(fault, claiming):
            names = ", ".join(r.id for r in claiming)
            found.flaws.append(f"{fault.id}: none of {names} recognises its message: {sample(fault)}")
        found.rows.append(Row(fault, claiming, argued.get(fault.id, "")))
    return found


def recognised(fault: Fault, claiming: Sequence[Rule]) -> bool:
    """Tell whether a claiming rule reads the row's own message; one that reads facts alone need not."""
    readers = [r for r in claiming if r.patterns]
    if not readers or not fault.message or len(readers) < len(claiming):
        return True
    kinds = [k for k in fault.kinds if k != "*"] or ["Kustomization", "HelmRelease", "GitRepository"]
    kinds += [k for r in readers for k in r.kinds]
    reasons = [fault.reason, *(reason for r in readers for reason in r.reasons)]
    text = sample(fault)
    return any(recognise(readers, kind, reason, text) for kind in kinds for reason in reasons)


def _cells(row: Row) -> tuple[str, ...]:
    rules = ", ".join(f"[{r.id}](fluxdoctor_rules/{r.id}.md)" if r.role != "fallback" else r.id for r in row.rules)
    how = "" if not row.rules else "proven" if row.proven else "reported"
    modes = sorted({"repository" if mode == "check" else "live" for r in row.rules for mode in r.modes})
    why = row.why or ("" if row.rules else "normal: no rule may speak of it" if row.fault.role == "trap" else "no rule")
    return row.fault.id, row.fault.frequency, row.fault.role, rules or why, how, ", ".join(modes)


def _summary(rows: Sequence[Row]) -> Iterator[str]:
    serious = [r for r in rows if r.fault.counts]
    argued = [r for r in serious if r.why and not r.rules]
    told = [r for r in serious if r.rules]
    shown = [r for r in told if r.fault.objects]
    proven = [r for r in shown if r.proven]
    yield f"- {len(serious)} root faults of high or medium frequency: {len(told)} recognised, {len(argued)} argued,"
    yield f"  {len(serious) - len(told) - len(argued)} open"
    yield f"- of the {len(shown)} recognised ones whose evidence can stand in a snapshot, {len(proven)} are proven by facts"
    yield f"  ({len(proven) / max(1, len(shown)):.0%})"
    rest = [r for r in rows if r.fault.role == "root" and not r.fault.counts]
    yield f"- {len(rest)} root faults of low frequency: {sum(bool(r.rules) for r in rest)} recognised"


def table(found: Coverage) -> str:
    """Return COVERAGE.md."""
    lines = [
        "# Which rule recognises which fault",
        "",
        "Made by `make coverage` from [fixtures/faults.yaml](../fixtures/faults.yaml), the rules and",
        "[exclusions.yaml](exclusions.yaml). *proven*: a rule reads facts for it; *reported*: the controller's message says it.",
        "",
        *_summary(found.rows),
    ]
    for section in dict.fromkeys(row.fault.section for row in found.rows):
        lines += [
            "",
            f"## {section}",
            "",
            "| fault | frequency | role | rule, or why none | known | mode |",
            "|---|---|---|---|---|---|",
        ]
        lines += [f"| {' | '.join(_cells(row))} |" for row in found.rows if row.fault.section == section]
    return "\n".join((*lines, *_traps())) + "\n"


def _traps() -> Iterator[str]:
    yield from ("", "## Looks broken, is normal", "", "| trap | shown by |", "|---|---|")
    for trap in traps():
        text = trap.text.replace("|", "\\|").replace("<", "&lt;")
        yield f"| {text} | {'; '.join(map(str, trap.proofs))} |"


def made() -> Coverage:
    """Return the coverage of the installed rules."""
    argued = Fields(yaml.safe_load(EXCLUSIONS.read_text("utf-8")))
    return coverage(installed().rules, faults(), dict(argued.items()))


if __name__ == "__main__":
    result = made()
    TABLE.write_text(table(result), "utf-8")
    for flaw in result.flaws:
        print(flaw, file=sys.stderr)
    print("\n".join(_summary(result.rows)))
    sys.exit(bool(result.flaws))
