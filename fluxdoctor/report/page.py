"""Rule pages and the catalogue, for a terminal and as JSON."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence

from rich.console import Console
from rich.markdown import Markdown

from fluxdoctor.rule import Rule

_EXAMPLES = re.compile(r"^## (?:Broken|Fixed|Silent): .*?(?=^## (?!Broken|Fixed|Silent)|\Z)", re.M | re.S)


def render(rule: Rule, *, width: int, color: bool) -> str:
    """Return a rule's page as text, without its examples."""
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=color, color_system="standard" if color else None,
        _environ={"TERM": "xterm"},
    )  # fmt: skip
    console.print(Markdown(_EXAMPLES.sub("", rule.page).strip()))
    console.print()
    console.print(f"{rule.id}: {rule.severity}. Fix: {rule.fix}", markup=False, highlight=False)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def catalogue(rules: Sequence[Rule], width: int) -> str:
    """Return a line for each rule: id, severity, summary."""
    room = max((len(r.id) for r in rules), default=0)
    lines = (f"{r.id:<{room}}  {r.severity:<7}  {r.summary}" for r in rules)
    return "".join(f"{line[: max(width, 40)].rstrip()}\n" for line in lines)


def catalogue_json(rules: Sequence[Rule]) -> str:
    """Return the catalogue as a JSON list."""
    return json.dumps([_row(r) for r in rules], indent=2) + "\n"


def _row(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "severity": rule.severity.value,
        "summary": rule.summary,
        "role": rule.role,
        "faults": list(rule.faults),
        "kinds": list(rule.kinds),
        "needs": [need.fact.__name__ for need in rule.needs],
        "modes": list(rule.modes),
        "pack": rule.pack,
        "version": rule.version,
        "url": rule.url,
    }
