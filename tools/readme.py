"""Updates the generated parts of README.md and the index of rules: `python tools/readme.py`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from accuracy import run, table

from fluxdoctor.app.diagnose import diagnose
from fluxdoctor.collect.store.snapshot_folder import load
from fluxdoctor.report import text
from fluxdoctor.rule import Rule, installed

ROOT = Path(__file__).parent.parent


def blocks() -> dict[str, str]:
    """Return the generated parts of README.md, by the name in their comments."""
    demo = text.render(diagnose(load(ROOT / "fluxdoctor" / "demo"), installed()), width=110)
    rows = table(run(ROOT / "fixtures" / "incidents", [], installed()))
    accuracy_table = "| measured | |\n|---|---|\n" + "\n".join(f"| {label} | {figure} |" for label, figure in rows)
    return {"demo": f"```\n{demo}```", "accuracy": accuracy_table}


def filled(readme: str) -> str:
    """Return README.md with new generated parts."""
    for name, body in blocks().items():
        readme = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", rf"\g<1>{_literal(body)}\n\g<2>", readme, flags=re.S
        )
    return readme


def index() -> str:
    """Return rules/README.md: every rule with its severity, its evidence and its summary."""
    rules = [r for r in installed().rules if r.role != "fallback"]
    rows = [
        f"| [{r.id}](fluxdoctor_rules/{r.id}.md) | {_severity(r)} | {_evidence_kinds(r)} | {r.summary} |" for r in rules
    ]
    head = f"# The rules\n\n{len(rules)} rules. Made by `make readme`; `fluxdoctor explain ID` shows a page.\n\n"
    return head + "| rule | severity | known by | says |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _severity(rule: Rule) -> str:
    return rule.role if rule.role == "symptom" else rule.severity


def _evidence_kinds(rule: Rule) -> str:
    facts = ", ".join(need.fact.__name__ for need in rule.needs)
    return " or ".join(part for part in (facts, "message" if rule.patterns else "") if part)


def _literal(body: str) -> str:
    return body.replace("\\", "\\\\")


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(filled(path.read_text("utf-8")), "utf-8")
    (ROOT / "rules" / "README.md").write_text(index(), "utf-8")
    sys.exit(0)
