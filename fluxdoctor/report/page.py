"""Renders rule pages and the catalogue, for a terminal and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from rich.text import Text

from fluxdoctor.model.similar import most_similar
from fluxdoctor.report import terminal
from fluxdoctor.rule import OWN, Rule

_EXAMPLES = re.compile(r"^## (?:Broken|Fixed|Silent): .*?(?=^## (?!Broken|Fixed|Silent)|\Z)", re.M | re.S)
_FIELD = re.compile(r"\{([^{}]+)\}")


def render(rule: Rule, *, width: int, color: bool) -> str:
    """Return a rule's page as text, without its examples: id and severity, the page, and the rule's properties."""
    head = Text.assemble((rule.id, "bold"), "  ", (rule.severity.value, rule.severity.value))
    return terminal.render(head, _EXAMPLES.sub("", rule.page).strip(), _foot(rule), width=width, color=color)


def _foot(rule: Rule) -> list[Text]:
    """Return the lines below a page; lines that are copied, such as commands, do not wrap."""
    rows = [
        ("Fix", shown(rule.fix, rule.defaults)),
        ("Field", shown(rule.field, rule.defaults)),
        ("Kinds", ", ".join(rule.kinds)),
        ("Facts", ", ".join(sorted(need.fact.__name__ for need in rule.needs))),
        ("Modes", ", ".join(rule.modes)),
        ("Pack", f"{rule.pack} {rule.version}".strip() if rule.pack != OWN else ""),
    ]
    copyable = [
        ("Examples", f"fluxdoctor explain --raw {rule.id}" if _EXAMPLES.search(rule.page) else ""),
        ("Page", rule.url),
    ]
    return [_row(name, text) for name, text in rows if text] + [
        terminal.no_wrap(_row(name, text)) for name, text in copyable if text
    ]


def _row(name: str, text: str) -> Text:
    return Text.assemble((f"{name}: ", "bold"), text)


def shown(template: str, defaults: Mapping[str, str]) -> str:
    """Return a template without an object: fields with a default have that text, the others become <name>."""
    return _FIELD.sub(lambda field: defaults.get(field[1], f"<{field[1].split('.')[-1]}>"), template)


def near(text: str, rules: Sequence[Rule], most: int = 5) -> list[str]:
    """Return ids of rules that a text may mean: first ids that contain its words, then ids with a similar spelling."""
    ids = [r.id for r in rules]
    words = [w for w in re.split(r"[^a-z0-9]+", text.lower()) if w]
    matches = [i for i in ids if words and all(w in i for w in words)]
    names = {i.partition("/")[2]: i for i in ids}
    similar = most_similar(text.lower(), [*ids, *names], 0.6, most)
    return list(dict.fromkeys([*matches, *(names.get(i, i) for i in similar)]))[:most]


def catalogue(rules: Sequence[Rule], width: int) -> str:
    """Return a line for each rule: id, severity, summary."""
    room = max((len(r.id) for r in rules), default=0)
    lines = (f"{r.id:<{room}}  {r.severity:<7}  {r.summary}" for r in rules)
    return "".join(f"{line[: max(width, 40)].rstrip()}\n" for line in lines)


def catalogue_json(rules: Sequence[Rule]) -> str:
    """Return the catalogue as a JSON list."""
    return json.dumps([_listed(r) for r in rules], indent=2) + "\n"


def _listed(rule: Rule) -> dict[str, object]:
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
