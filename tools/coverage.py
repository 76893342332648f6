"""Makes rules/COVERAGE.md: for each fault of the catalogue, the rules that recognise it, or the reason why none does.

`python tools/coverage.py` writes it. `fixtures/faults.yaml` is the catalogue; `rules/exclusions.yaml` has the reason for each
fault that no rule can recognise. The tests fail if the table is out of date or a fault's own message is not recognised.
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
#: The word for each placeholder of a message, by its name; "web" for any other.
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


#: Rules whose check adds a file or a command to what the controller reports: the message alone is the proof.
_MESSAGE_ONLY = ("kustomize/annotations-too-long", "kustomize/sops-decryption-failed", "source/host-key-changed")


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
    has_objects: bool

    @property
    def needs_rule(self) -> bool:
        """Whether it is a root cause that is frequent enough to need a rule."""
        return self.role == "root" and self.frequency in _SERIOUS


@dataclass(frozen=True)
class Row:
    """A fault, the rules that name it, and the reason if there is none."""

    fault: Fault
    rules: tuple[Rule, ...] = ()
    why: str = ""

    @property
    def is_proven(self) -> bool:
        """Whether a rule checks facts for it."""
        return any(r.check and r.id not in _MESSAGE_ONLY for r in self.rules)


@dataclass(frozen=True)
class Proof:
    """The proof that no rule reports a trap: an example of a page, an incident, a repository, or a page of tests/traps."""

    kind: str
    name: str
    example: str = ""

    @classmethod
    def read(cls, text: str) -> Proof:
        """Read ``page RULE EXAMPLE``, ``incident NAME``, ``check NAME`` or ``trap NAME``."""
        kind, name, *example = text.split(" ", 2)
        return cls(kind, name, *example)

    def __str__(self) -> str:
        relative_path = self.path.relative_to(ROOT)
        return f"[{self.name}](../{relative_path})" + (f" ({self.example.partition(': ')[2]})" if self.example else "")

    @property
    def path(self) -> Path:
        """The file or folder. Raises KeyError for an unknown kind."""
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
        """Tell whether the file exists and, for a page, whether it has the example."""
        exists = self.path.exists()
        return f"\n## {self.example}\n" in self.path.read_text("utf-8") if exists and self.example else exists


@dataclass(frozen=True)
class Trap:
    """A state that looks broken but is normal, and the proofs that no rule reports it."""

    text: str
    proofs: tuple[Proof, ...]


@dataclass
class Coverage:
    """The complete table, and its flaws."""

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
        has_objects=row.flag("objects"),
    )


def traps(path: Path = TRAPS) -> list[Trap]:
    """Read the traps."""
    rows = map(Fields, yaml.safe_load(path.read_text("utf-8")))
    return [Trap(row.text("trap"), tuple(map(Proof.read, row.strings("proofs")))) for row in rows]


def sample(fault: Fault) -> str:
    """Return a message of the fault as a controller writes it: the template with words for its placeholders."""
    if fault.sample:
        return fault.sample
    return _PLACE.sub(lambda match: _word(match[1]), fault.message)


def _word(name: str) -> str:
    default = name.split("|", maxsplit=1)[0].strip()
    word = _WORDS.get(name, _WORDS.get(name.lower(), ""))
    return word or ("" if name == "..." else default if "|" in name else "web")


def coverage(rules: Sequence[Rule], faults: Iterable[Fault], exclusions: Mapping[str, str]) -> Coverage:
    """Match rules to faults; list every rule and every exclusion that does not fit as a flaw."""
    result = Coverage()
    rows = {fault.id: fault for fault in faults}
    by_fault: dict[str, list[Rule]] = {}
    for rule in rules:
        for fault_id in rule.faults:
            by_fault.setdefault(fault_id, []).append(rule)
            if fault_id not in rows:
                result.flaws.append(f"{rule.id} names a fault that is not in the catalogue: {fault_id}")
    result.flaws += [f"{EXCLUSIONS.name}: no such fault: {i}" for i in exclusions if i not in rows]
    for fault in rows.values():
        claiming = tuple(by_fault.get(fault.id, ()))
        if claiming and fault.id in exclusions:
            result.flaws.append(f"{EXCLUSIONS.name}: {fault.id} is recognised by {claiming[0].id}")
        if claiming and not recognised(fault, claiming):
            names = ", ".join(r.id for r in claiming)
            result.flaws.append(f"{fault.id}: none of {names} recognises its message: {sample(fault)}")
        result.rows.append(Row(fault, claiming, exclusions.get(fault.id, "")))
    return result


def recognised(fault: Fault, claiming: Sequence[Rule]) -> bool:
    """Tell whether a claiming rule recognises the fault's own message. A rule that reads only facts need not."""
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
    confidence = "" if not row.rules else "proven" if row.is_proven else "reported"
    modes = sorted({"repository" if mode == "check" else "live" for r in row.rules for mode in r.modes})
    why = row.why or ("" if row.rules else "normal: no rule may speak of it" if row.fault.role == "trap" else "no rule")
    return row.fault.id, row.fault.frequency, row.fault.role, rules or why, confidence, ", ".join(modes)


def _summary(rows: Sequence[Row]) -> Iterator[str]:
    serious = [r for r in rows if r.fault.needs_rule]
    excluded = [r for r in serious if r.why and not r.rules]
    recognised_rows = [r for r in serious if r.rules]
    provable = [r for r in recognised_rows if r.fault.has_objects]
    proven = [r for r in provable if r.is_proven]
    yield f"- {len(serious)} root faults of high or medium frequency: {len(recognised_rows)} recognised, {len(excluded)} argued,"
    yield f"  {len(serious) - len(recognised_rows) - len(excluded)} open"
    yield f"- of the {len(provable)} recognised ones whose evidence can stand in a snapshot, {len(proven)} are proven by facts"
    yield f"  ({len(proven) / max(1, len(provable)):.0%})"
    low_frequency = [r for r in rows if r.fault.role == "root" and not r.fault.needs_rule]
    yield f"- {len(low_frequency)} root faults of low frequency: {sum(bool(r.rules) for r in low_frequency)} recognised"


def table(coverage: Coverage) -> str:
    """Return COVERAGE.md."""
    lines = [
        "# Which rule recognises which fault",
        "",
        "Made by `make coverage` from [fixtures/faults.yaml](../fixtures/faults.yaml), the rules and",
        "[exclusions.yaml](exclusions.yaml). *proven*: a rule reads facts for it. *reported*: the message",
        "of the controller shows it.",
        "",
        *_summary(coverage.rows),
    ]
    for section in dict.fromkeys(row.fault.section for row in coverage.rows):
        lines += [
            "",
            f"## {section}",
            "",
            "| fault | frequency | role | rule, or why none | known | mode |",
            "|---|---|---|---|---|---|",
        ]
        lines += [f"| {' | '.join(_cells(row))} |" for row in coverage.rows if row.fault.section == section]
    return "\n".join((*lines, *_traps())) + "\n"


def _traps() -> Iterator[str]:
    yield from ("", "## Looks broken, is normal", "", "| trap | shown by |", "|---|---|")
    for trap in traps():
        text = trap.text.replace("|", "\\|").replace("<", "&lt;")
        yield f"| {text} | {'; '.join(map(str, trap.proofs))} |"


def installed_coverage() -> Coverage:
    """Return the coverage of the installed rules."""
    exclusions = Fields(yaml.safe_load(EXCLUSIONS.read_text("utf-8")))
    return coverage(installed().rules, faults(), dict(exclusions.items()))


if __name__ == "__main__":
    result = installed_coverage()
    TABLE.write_text(table(result), "utf-8")
    for flaw in result.flaws:
        print(flaw, file=sys.stderr)
    print("\n".join(_summary(result.rows)))
    sys.exit(bool(result.flaws))
